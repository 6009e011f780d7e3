// Properties that RabbitMQ passes on and that few clients can read: none may
// cost the server its connection, over which it would get them for ever.

import assert from "node:assert/strict";
import {
  type Field,
  longField,
  stringField,
  type Table,
  tableField,
} from "../../src/amqp091/table.ts";
import { Client } from "../broker/support/client.ts";
import { encodeProperties } from "../broker/support/properties.ts";
import { connected } from "../rabbitmq/connected.ts";
import { rabbitMqTest, sharedRabbitMq } from "../support/rabbitmq.ts";
import { within } from "../support/within.ts";
import { serveHooks } from "../support/hooks.ts";

function nested(depth: number): Field {
  let field = stringField("x");
  for (let n = 0; n < depth; n++) field = tableField([["", field]]);
  return field;
}

function headers(table: Table): Uint8Array {
  return encodeProperties({ headers: table });
}

/** RabbitMQ does not split a header frame, whatever frame size was agreed. */
const manyBytes = (kib: number) =>
  Array.from(
    { length: kib },
    (_, n) => [`${n}`, stringField("x".repeat(1000))] as const,
  );

const HOSTILE: [name: string, properties: Uint8Array][] = [
  ["the deprecated cluster_id", encodeProperties({ clusterId: "x" })],
  [
    "an unsigned 64-bit number (type L)",
    headers([
      ["a", { ...longField("l", -1n), tag: "L" }],
    ]),
  ],
  ["headers larger than a frame", headers(manyBytes(20))],
  ["headers as large as they get", headers(manyBytes(120))],
  ["tables nested 1,000 deep", headers([["a", nested(1000)]])],
  ["tables nested 9,000 deep", headers([["a", nested(9000)]])],
];

/** What the server came to, and the code that it answered with. */
async function fate(properties: Uint8Array): Promise<[string, string?]> {
  const { url } = await sharedRabbitMq();
  const queue = `hostile-${crypto.randomUUID()}`;
  await using server = await connected(url);
  const end = Promise.withResolvers<[string, string?]>();
  await server.rpc.serve(
    queue,
    () => "fine",
    serveHooks({
      onEvent: (event) => {
        if (event.type === "consuming" || event.type === "request") return;
        const error = "error" in event ? event.error : undefined;
        end.resolve([event.type, error?.code]);
      },
    }),
  );
  await using stranger = await Client.connect(url);
  const channel = await stranger.channel();
  await channel.publish("", queue, "hostile", { properties });
  const ended = await within("the request's end", end.promise, 10_000);
  if (ended[0] === "interrupted") return ended;
  assert.equal((await server.rpc.call(queue, "good")).text(), "fine");
  assert.deepEqual(server.events, ["connected"]);
  return ended;
}

for (const [name, properties] of HOSTILE) {
  rabbitMqTest(`the server survives ${name}`, async () => {
    const [how] = await fate(properties);
    // One-way: answered means that it was run, or was over a limit.
    assert.match(how, /^(answered|request_dropped)$/);
  });
}

for (const name of ["__proto__", "constructor"]) {
  rabbitMqTest(`headers within ${name} count as others do`, async () => {
    const many = Array.from(
      { length: 200 },
      (_, n) => [`${n}`, stringField("")] as const,
    );
    const properties = headers([[name, tableField(many)]]);
    const expected = ["answered", "resource_exhausted"];
    assert.deepEqual(await fate(properties), expected);
  });
}
