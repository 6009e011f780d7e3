/**
 * Keeps passwords out of whatever is shown.
 *
 * @module
 */

const HIDDEN = "***";
const SCHEME = /^[a-z][a-z\d+.-]*:\/\//i;
const SCHEME_END = /[a-z\d+.-]/i;
const HOST_END = /[[/?#"'<>]/;
/**
 * A port follows the colon of a host; what follows that of a user is secret.
 */
const PORT = /^\d{1,5}(?!\w)/;

/** A URL with its password as `***`; nothing of a text that is no URL. */
export function redactUrl(text: string): string {
  return SCHEME.test(text) ? redactUrls(text) : "(not a URL)";
}

/**
 * A text that may hold URLs, with their passwords as `***`. It hides too much
 * rather than too little: everything between the first colon of a URL and the
 * last "@", spaces included if there is no host yet. The time taken is in
 * proportion to the text's length.
 */
export function redactUrls(text: string): string {
  const lastAt = text.lastIndexOf("@");
  let inPassword = false;
  return text.replace(/\S+/g, (word, offset: number) => {
    const at = word.lastIndexOf("@");
    if (inPassword) {
      if (at === -1) return HIDDEN;
      inPassword = false;
      return HIDDEN + word.slice(at);
    }
    const colon = passwordColon(word, at);
    if (colon === -1) return word;
    inPassword = at < colon && offset < lastAt;
    const rest = at < colon ? "" : word.slice(at);
    return word.slice(0, colon + 1) + HIDDEN + rest;
  });
}

/** Where the colon before the password of a URL is, or -1. */
function passwordColon(word: string, at: number): number {
  for (let from = 0;;) {
    const scheme = word.indexOf("://", from);
    if (scheme === -1) return -1;
    from = scheme + 3;
    if (!SCHEME_END.test(word.charAt(scheme - 1))) continue;
    const colon = word.indexOf(":", from);
    if (colon === -1 || (colon > at && at >= from)) return -1;
    if (colon < at || isNoPort(word, from, colon)) return colon;
  }
}

function isNoPort(word: string, from: number, colon: number): boolean {
  if (HOST_END.test(word.slice(from, colon))) return false;
  const after = word.slice(colon + 1, colon + 7);
  return after !== "" && !after.startsWith("//") && !PORT.test(after);
}
