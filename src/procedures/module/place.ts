/**
 * Where in a module something was thrown.
 *
 * @module
 */

/** A stack says more than that of nothing but what was thrown. */
const MAX_TEXT = 64 * 1024;
const SCHEME = "file://";

/**
 * The first `file://...:LINE:COLUMN` in a text, in time proportional to its
 * length, whoever wrote it; undefined where there is none.
 */
export function placeIn(text: string): string | undefined {
  for (const word of text.slice(0, MAX_TEXT).split(/\s+/)) {
    const start = word.indexOf(SCHEME);
    const place = start < 0 ? null : /^.*:\d+:\d+/.exec(word.slice(start));
    if (place) return place[0];
  }
}
