/** Names that the broker makes up. */

/** The prefix and 22 random characters, which nobody can guess. */
export function generateName(prefix: string): string {
  const random = crypto.getRandomValues(new Uint8Array(16));
  const text = btoa(String.fromCharCode(...random));
  return prefix +
    text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
