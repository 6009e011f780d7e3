/**
 * What strangers wrote, in a sentence of ours.
 *
 * @module
 */

/** Input in an error message: quoted, one line, of bounded length. */
export function quote(text: string): string {
  const longest = 64;
  const shown = text.length > longest ? `${text.slice(0, longest)}...` : text;
  return JSON.stringify(shown);
}
