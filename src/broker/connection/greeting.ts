/** How the broker answers the protocol header, and what it says about itself. */
import { writeMethod } from "../../amqp091/arguments.ts";
import { toBytes } from "../../amqp091/reader.ts";
import {
  booleanField,
  stringField,
  type Table,
  tableField,
} from "../../amqp091/table.ts";
import type { Writer } from "../../amqp091/writer.ts";
import type { Behavior } from "../generation.ts";

/** The protocol header of AMQP 0-9-1. */
const PROTOCOL_HEADER = "AMQP\x00\x00\x09\x01";

/** This one and an older one for the same version, which clients still send. */
const ACCEPTED: readonly string[] = [
  PROTOCOL_HEADER,
  "AMQP\x01\x01\x00\x09",
];

const CAPABILITIES = [
  "publisher_confirms",
  "exchange_exchange_bindings",
  "basic.nack",
  "consumer_cancel_notify",
  "connection.blocked",
  "consumer_priorities",
  "authentication_failure_close",
  "per_consumer_qos",
  "direct_reply_to",
];

/**
 * Answers the protocol header: with connection.start, or with the header of the
 * protocol that the broker speaks. A client of AMQP 1.0 gets that of 0-9-1,
 * since the broker, unlike RabbitMQ 4, speaks nothing else.
 *
 * @returns whether the client speaks AMQP 0-9-1.
 */
export function greet(
  out: Writer,
  header: string,
  behavior: Behavior,
  version: string,
): boolean {
  if (ACCEPTED.includes(header)) {
    writeMethod(out, 0, "connection.start", {
      versionMinor: 9,
      serverProperties: serverProperties(behavior, version),
      mechanisms: behavior.mechanisms,
      locales: "en_US",
    });
    return true;
  }
  const isAmqp = header.startsWith("AMQP");
  out.raw(toBytes(isAmqp ? PROTOCOL_HEADER : behavior.answerToOtherProtocols));
  return false;
}

/**
 * The version is that of the RabbitMQ it behaves as, since clients decide by
 * it; the product tells what it really is.
 */
function serverProperties(behavior: Behavior, version: string): Table {
  const capabilities = CAPABILITIES.map((name) =>
    [name, booleanField(true)] as const
  );
  return [
    ["capabilities", tableField(capabilities)],
    ["product", stringField("rabbit-rpc broker")],
    ["version", stringField(behavior.version)],
    ["platform", stringField("Deno")],
    [
      "information",
      stringField(
        `rabbit-rpc ${version}, behaving as RabbitMQ ${behavior.version}. ` +
          "For development and tests; keeps everything in memory",
      ),
    ],
  ];
}
