/**
 * Says where a text stops being JSON. V8 gives a position for some errors only,
 * but it always tells whether a text could still be completed.
 *
 * @module
 */

/** What is wrong with a text that is not JSON, and at which column. */
export function jsonError(text: string): string {
  const index = errorIndex(text);
  // In characters, while the index is in UTF-16 units.
  let column = 1;
  for (const _ of text.slice(0, index)) column++;
  const [character] = text.slice(index);
  const what = character === undefined ? "end" : JSON.stringify(character);
  return `unexpected ${what} at column ${column}`;
}

/** The index of the first character that can't be there, by bisection. */
function errorIndex(text: string): number {
  let viable = 0;
  let broken = text.length + 1;
  while (broken - viable > 1) {
    const middle = Math.floor((viable + broken) / 2);
    if (mayBegin(text.slice(0, middle))) viable = middle;
    else broken = middle;
  }
  return viable;
}

/** Whether a text is the beginning of a JSON text, or all of one. */
function mayBegin(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch (error) {
    const { message } = error as SyntaxError;
    const position = /at position (\d+)/.exec(message)?.[1];
    return position === undefined
      ? message.includes("end of JSON input")
      : Number(position) >= text.length;
  }
}
