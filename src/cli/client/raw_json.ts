/**
 * Writes numbers to JSON with all their digits.
 *
 * @module
 */

/** JSON text that `JSON.stringify` copies. TypeScript does not have it yet. */
export const { rawJSON } = JSON as unknown as {
  rawJSON(text: string): unknown;
};
