/**
 * Text of strangers, for terminals and logs: it can't style or add lines, move
 * the cursor, nor change the direction of what follows.
 *
 * @module
 */

const CONTROLS = /\p{Cc}+/gu;
/** Format characters, bidirectional ones among them, and ends of lines. */
const FORMATS = /[\p{Cf}\p{Zl}\p{Zp}]/gu;
/** Those that `JSON.stringify` leaves as they are. */
const UNESCAPED = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** On one line, with what can't be seen as spaces or `\u202e`. */
export function oneLine(text: string): string {
  return text.replace(CONTROLS, " ").replace(FORMATS, escaped);
}

/** JSON with the same value, and nothing in it that can't be seen. */
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
