/**
 * Reads the URL of a broker, as RabbitMQ specifies it. It is stricter than
 * `URL`, which takes a part of an unencoded password for a host; and it quotes
 * nothing, since any part may be a misplaced password.
 *
 * @module
 */
import { isIpv6 } from "./ip.ts";
import { readParameters, type UrlParameters } from "./url_parameters.ts";

/** What a URL says; nothing has its default yet but port, host and vhost. */
export interface BrokerUrl {
  readonly tls: boolean;
  readonly hostname: string;
  readonly port: number;
  readonly vhost: string;
  readonly username: string;
  readonly password: string;
  readonly parameters: UrlParameters;
}

const NOT_SHOWN = "(not shown, since it may hold a password)";
const PARTS = /^([^/?]*)([^?]*)(?:\?(.*))?$/;
const HOST_AND_PORT = /^(\[[^\]]*\]|[^:]*)(?::(\d*))?$/;
const HOST_NAME = /^[\w.-]+$/;
// deno-lint-ignore no-control-regex
const NON_ASCII = /[^\x00-\x7f]/;
const NO_HOST_CHARACTERS = /[\s/?#@:[\]\\%<>^|]/;

/**
 * Takes a URL apart.
 *
 * @throws {RangeError} without any part of the URL.
 */
export function parseBrokerUrl(text: string): BrokerUrl {
  const scheme = /^(amqps?):\/\//i.exec(text);
  if (scheme === null) throw noAmqpUrl(text);
  const rest = text.slice(scheme[0].length);
  refuseUnencoded(rest);
  const [, authority = "", path = "", query = ""] = PARTS.exec(rest)!;
  const tls = scheme[1]!.toLowerCase() === "amqps";
  const at = authority.indexOf("@");
  if (at !== -1 && at === authority.length - 1) throw noAmqpUrl(text);
  const login = authority.slice(0, Math.max(at, 0));
  const [username = "", ...password] = login.split(":");
  return {
    tls,
    ...hostAndPort(authority.slice(at + 1), tls),
    vhost: readVhost(path),
    username: decodePart(username),
    password: decodePart(password.join(":")),
    parameters: readParameters(query, tls, decodePart),
  };
}

/** Each of these would end the user, the password or the host too early. */
function refuseUnencoded(rest: string): void {
  // deno-lint-ignore no-control-regex
  if (/[\s\x00-\x1f\x7f]/.test(rest)) throw unencoded("a space", "%20");
  if (rest.includes("#")) throw unencoded('a "#"', "%23");
  const at = rest.indexOf("@");
  if (at === -1) return;
  if (rest.includes("@", at + 1)) throw unencoded('more than one "@"', "%40");
  const early = /[/?]/.exec(rest.slice(0, at))?.[0];
  if (early === "/") throw unencoded('a "/" before its "@"', "%2F");
  if (early === "?") throw unencoded('a "?" before its "@"', "%3F");
}

function unencoded(what: string, code: string): RangeError {
  return new RangeError(
    `url has ${what}: percent-encode what belongs to a user, password or ` +
      `vhost, here as ${code} ${NOT_SHOWN}`,
  );
}

function hostAndPort(
  place: string,
  tls: boolean,
): { hostname: string; port: number } {
  const [, host = "", digits] = HOST_AND_PORT.exec(place) ?? [];
  const isEmpty = host === "";
  if (isEmpty && place !== "") throw noAmqpUrl("amqp://");
  const port = digits ? Number(digits) : tls ? 5671 : 5672;
  if (port < 1 || port > 65_535) {
    throw new RangeError(`url must have a port from 1 to 65535 ${NOT_SHOWN}`);
  }
  return { hostname: isEmpty ? "localhost" : hostName(host), port };
}

/**
 * A name in ASCII (IDNA), or an address; an IPv6 address loses its brackets.
 */
function hostName(host: string): string {
  if (host.startsWith("[")) return ipv6(host.slice(1, -1));
  const name = decodePart(host);
  // The parser treats hosts as names only in web URLs.
  const ascii = NON_ASCII.test(name) && !NO_HOST_CHARACTERS.test(name)
    ? URL.parse(`http://${name}/`)?.hostname ?? ""
    : name;
  if (HOST_NAME.test(ascii)) return ascii;
  throw new RangeError(`url must have a host name or address ${NOT_SHOWN}`);
}

function ipv6(address: string): string {
  if (isIpv6(address)) return address;
  throw new RangeError(
    address.includes("%")
      ? "url must have an IPv6 address without a zone: Deno connects to none"
      : `url must have an IPv6 address in its brackets ${NOT_SHOWN}`,
  );
}

/** `//` is how Celery and Kombu write the vhost `/`. */
function readVhost(path: string): string {
  if (path === "//") return "/";
  const vhost = path.slice(1);
  if (vhost.includes("/")) {
    throw new RangeError(
      'url has more than one "/" after its host; write %2F for a "/" in the ' +
        `vhost ${NOT_SHOWN}`,
    );
  }
  return decodePart(vhost) || "/";
}

function noAmqpUrl(text: string): RangeError {
  const scheme = /^[a-z]+:\/\//i.exec(text)?.[0];
  return new RangeError(
    "url must look like amqp://user@host:5672/vhost (or amqps://), got " +
      (scheme ? `one with ${scheme} ` : "something else ") + NOT_SHOWN,
  );
}

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new RangeError(
      `url must be percent-encoded UTF-8; write %25 for a % itself ${NOT_SHOWN}`,
    );
  }
}
