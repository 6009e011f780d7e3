/**
 * Makes text from other people safe for terminals and logs: it can't style or
 * add lines, move the cursor, or change the direction of the text after it.
 *
 * @module
 */

const CONTROLS = /\p{Cc}+/gu;
/** Format characters, such as bidirectional ones, and line separators. */
const FORMATS = /[\p{Cf}\p{Zl}\p{Zp}]/gu;
/** The invisible characters that `JSON.stringify` does not escape. */
const UNESCAPED = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** One line: control characters become spaces, others become `\u202e`. */
export function oneLine(text: string): string {
  return text.replace(CONTROLS, " ").replace(FORMATS, escaped);
}

/** JSON in which all invisible characters are escaped. */
export function jsonLine(
  value: unknown,
  replacer?: (key: string, value: unknown) => unknown,
): string {
  return JSON.stringify(value, replacer).replace(UNESCAPED, escaped);
}

function escaped(character: string): string {
  let escapes = "";
  for (let i = 0; i < character.length; i++) {
    const code = character.charCodeAt(i).toString(16).padStart(4, "0");
    escapes += `\\u${code}`;
  }
  return escapes;
}
