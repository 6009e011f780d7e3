// Tests of src/amqp/streams/deno.ts and addresses.ts.

import assert from "node:assert/strict";
import { addressesOf } from "../../../src/amqp/streams/addresses.ts";
import { dialDeno } from "../../../src/amqp/streams/deno.ts";
import { test, testNeeding } from "../../support/needs.ts";
import { freePort } from "../../support/ports.ts";
import { within } from "../../support/within.ts";

function noIpv6(): string | undefined {
  try {
    Deno.listen({ hostname: "::1", port: 0 }).close();
    return undefined;
  } catch {
    return "this machine has no IPv6";
  }
}

const never = new AbortController().signal;

/** Whether what is written to a name arrives at this address. */
async function arrives(hostname: string, at: string): Promise<void> {
  using listener = Deno.listen({ hostname: at, port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  const accepting = listener.accept();
  const dialing = dialDeno({ hostname, port }, never);
  const stream = await within("a connection", dialing);
  using accepted = await accepting;
  await stream.write(Uint8Array.of(1, 2));
  const bytes = new Uint8Array(9);
  assert.equal(await accepted.read(bytes), 2);
  stream.close();
  assert.equal(await accepted.read(bytes), null);
}

test("a name is tried by all of its addresses: IPv4", async () => {
  await arrives("localhost", "127.0.0.1");
});

testNeeding(
  "a name is tried by all of its addresses: IPv6",
  { needs: [noIpv6()] },
  async () => {
    await arrives("localhost", "::1");
    await arrives("::1", "::1");
  },
);

test("where no address answers the first failure is told", async () => {
  const port = freePort();
  for (const hostname of ["localhost", "127.0.0.1"]) {
    await assert.rejects(
      dialDeno({ hostname, port }, never),
      Deno.errors.ConnectionRefused,
    );
  }
});

test("an address has no others", async () => {
  for (const address of ["127.0.0.1", "::1"]) {
    assert.deepEqual(await addressesOf(address), []);
  }
});

test("who gives up hears of it at once, and what comes later is closed", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  const giveUp = new AbortController();
  const endpoint = { hostname: "127.0.0.1", port };
  const dialing = dialDeno(endpoint, giveUp.signal);
  giveUp.abort(new Error("too late"));
  await assert.rejects(dialing, /too late/);
  using accepted = await within("a connection", listener.accept());
  const read = accepted.read(new Uint8Array(1)).catch(() => null);
  assert.equal(await within("its end", read), null);
  await assert.rejects(dialDeno(endpoint, giveUp.signal), /too late/);
});

test("a long write is written to its end", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  const accepting = listener.accept();
  const stream = await dialDeno({ hostname: "127.0.0.1", port }, never);
  using accepted = await accepting;
  const size = 8 * 1024 * 1024;
  const writing = stream.write(new Uint8Array(size).fill(7));
  let read = 0;
  const into = new Uint8Array(65_536);
  while (read < size) read += await accepted.read(into) ?? assert.fail("end");
  await writing;
  assert.equal(read, size);
  stream.close();
});
