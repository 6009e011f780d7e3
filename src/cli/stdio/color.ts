/**
 * Colours: for each stream by itself, and only where somebody wants them.
 *
 * @module
 */
import { styleText } from "node:util";

/** When to use colours. */
export type ColorWhen = "auto" | "always" | "never";

/** What text can look like. */
export type Style = "bold" | "dim" | "green" | "red";

/** Gives a text a style, or leaves it alone. */
export type Paint = (style: Style, text: string) => string;

/** What paints the text of one stream. */
export function paintFor(stream: "stdout" | "stderr", when: ColorWhen): Paint {
  const wanted = when === "auto"
    ? Deno[stream].isTerminal() && !Deno.noColor
    : when === "always";
  return (style, text) =>
    wanted ? styleText(style, text, { validateStream: false }) : text;
}
