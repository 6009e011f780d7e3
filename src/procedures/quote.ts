/**
 * Quotes other people's text in messages.
 *
 * @module
 */

/** Quotes text for a message: on one line, and of bounded length. */
export function quote(text: string): string {
  const longest = 64;
  const shown = text.length > longest ? `${text.slice(0, longest)}...` : text;
  return JSON.stringify(shown);
}
