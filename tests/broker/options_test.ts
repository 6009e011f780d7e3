// The options of a broker, where it listens, and how it stops.

import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { type Generation, startBroker } from "../../src/broker/broker.ts";
import { permissionsMissing, test, testNeeding } from "../support/needs.ts";
import { Client } from "./support/client.ts";

test("closing tells the clients and frees the port", async () => {
  const broker = await startBroker();
  await using client = await Client.connect(broker.url);
  const closing = broker.close();
  const close = await client.closed();
  deepEqual([close.code, close.replyText], [
    320,
    "CONNECTION_FORCED - broker forced connection closure with reason 'shutdown'",
  ]);
  await closing;
  await broker.close();
  await rejects(Client.dial(broker.url));
  await using again = await startBroker({ port: broker.port });
  equal(again.port, broker.port);
});

test("users, virtual hosts and limits are as they were set", async () => {
  await using broker = await startBroker({
    users: new Map([["böb", "s3cret/é"]]),
    vhosts: ["/dev"],
    frameMax: 8192,
    channelMax: 5,
    heartbeatS: 7,
  });
  match(
    broker.url,
    /^amqp:\/\/b%C3%B6b:s3cret%2F%C3%A9@127\.0\.0\.1:\d+\/%2Fdev$/,
  );
  await using client = await Client.dial(broker.url);
  await client.start({ user: "böb", password: "s3cret/é" });
  const tune = await client.next("connection.tune");
  deepEqual([tune.frameMax, tune.channelMax, tune.heartbeat], [8192, 5, 7]);
  await client.tuneOk({}, tune);
  await client.open("/dev");
  await client.next("connection.open-ok");
});

test("options out of range are refused by name", async () => {
  await rejects(
    startBroker({ port: 70_000 }),
    /RangeError: port must be .* got 70000/,
  );
  await rejects(startBroker({ frameMax: 100 }), /frameMax must be/);
  await rejects(startBroker({ vhosts: [] }), /vhosts/);
  await rejects(
    startBroker({ as: "5.0" as Generation }),
    /RangeError: as must be one of 3\.10, 4\.0, 4\.3, got 5\.0/,
  );
  await rejects(startBroker({ frameMax: 4096 }), /frameMax .* from 8192/);
  await (await startBroker({ frameMax: 4096, as: "4.0" })).close();
  const permissions = { configure: "(", write: "", read: "" };
  await rejects(
    startBroker({ users: new Map([["x", { password: "y", permissions }]]) }),
    /RangeError: the configure permission "\(" is not a valid regular expression/,
  );
});

function noIPv6(): string | undefined {
  try {
    Deno.listen({ hostname: "::1", port: 0 }).close();
    return undefined;
  } catch (error) {
    return `IPv6 is not to be had here: ${error}`;
  }
}

testNeeding("it listens on IPv6 as well", {
  needs: [permissionsMissing() ?? noIPv6()],
}, async () => {
  await using broker = await startBroker({ hostname: "::1" });
  match(broker.url, /^amqp:\/\/guest:guest@\[::1\]:\d+$/);
  await using client = await Client.connect(broker.url);
  await client.channel();
});
