/**
 * Colors, decided for each stream by itself.
 *
 * @module
 */
import { styleText } from "node:util";

/** When to use colors. */
export type ColorWhen = "auto" | "always" | "never";

/** The styles that text can have. */
export type Style = "bold" | "dim" | "green" | "red";

/** Applies a style to text, or returns it unchanged. */
export type Paint = (style: Style, text: string) => string;

/** The function that styles the text of one stream. */
export function paintFor(stream: "stdout" | "stderr", when: ColorWhen): Paint {
  const wanted = when === "auto"
    ? Deno[stream].isTerminal() && !Deno.noColor
    : when === "always";
  return (style, text) =>
    wanted ? styleText(style, text, { validateStream: false }) : text;
}
