/**
 * Finds the place in a module where something was thrown.
 *
 * @module
 */

/** The rest of a longer stack is ignored. */
const MAX_TEXT = 64 * 1024;
const SCHEME = "file://";

/**
 * The first `file://...:LINE:COLUMN` in a text; undefined if there is none.
 * Takes linear time for any text.
 */
export function placeIn(text: string): string | undefined {
  for (const word of text.slice(0, MAX_TEXT).split(/\s+/)) {
    const start = word.indexOf(SCHEME);
    const place = start < 0 ? null : /^.*:\d+:\d+/.exec(word.slice(start));
    if (place) return place[0];
  }
}
