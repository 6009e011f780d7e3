/**
 * Which text is an IP address. As node:net would say, but loading that takes
 * longer than a call.
 *
 * @module
 */

const IPV4_LIKE = /^\d+(?:\.\d+){3}$/;
const IPV6_CHARACTERS = /^[\da-f:.]+$/i;

/** Whether it is an IPv6 address, without brackets and without a zone. */
export function isIpv6(text: string): boolean {
  return IPV6_CHARACTERS.test(text) && URL.canParse(`http://[${text}]`);
}

/** Whether it is an IP address of either kind. */
export function isIp(text: string): boolean {
  return isIpv6(text) || isIpv4(text);
}

/** A URL turns all other notations into this one. */
function isIpv4(text: string): boolean {
  if (!IPV4_LIKE.test(text) || !URL.canParse(`http://${text}`)) return false;
  return new URL(`http://${text}`).hostname === text;
}
