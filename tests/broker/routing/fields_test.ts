// Fields as RabbitMQ compares and prints them.

import { equal } from "node:assert/strict";
import {
  asInteger,
  type Field,
  longField,
  stringField,
} from "../../../src/amqp091/table.ts";
import { comparable, printable } from "../../../src/broker/routing/fields.ts";

Deno.test("numbers compare by value whatever their type", () => {
  const byte: Field = { tag: "b", bytes: Uint8Array.of(5) };
  equal(comparable(byte), comparable(longField("l", 5n)));
  equal(comparable(byte) === comparable(stringField("5")), false);
  equal(asInteger({ tag: "b", bytes: Uint8Array.of(255) }), -1n);
  equal(asInteger({ tag: "B", bytes: Uint8Array.of(255) }), 255n);
  equal(
    printable({ tag: "d", bytes: Uint8Array.of(63, 248, 0, 0, 0, 0, 0, 0) }),
    "1.5",
  );
});
