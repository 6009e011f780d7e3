/**
 * Numbers in JSON to the last digit.
 *
 * @module
 */

/** A text that `JSON.stringify` writes as it is; TypeScript lacks it yet. */
export const { rawJSON } = JSON as unknown as {
  rawJSON(text: string): unknown;
};
