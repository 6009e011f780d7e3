/**
 * The addresses of a host, for those whose first one does not answer.
 *
 * @module
 */
import { lookup } from "node:dns/promises";
import { isIp } from "../ip.ts";

/** What this name stands for everywhere: no need to ask. */
const LOCALHOST = ["127.0.0.1", "::1"];

/** All addresses of a name, of both kinds; none of what is an address. */
export async function addressesOf(hostname: string): Promise<string[]> {
  if (isIp(hostname)) return [];
  if (hostname === "localhost") return LOCALHOST;
  const found = await lookup(hostname, { all: true });
  return found.map(({ address }) => address);
}
