/** A message on its way through exchanges and queues. */
import { edit, type Edits, headersOf } from "./properties.ts";
import { asArray, asString, lookup, type Table } from "../../amqp091/table.ts";

/** A published message. Queues share it, so it never changes. */
export interface Message {
  readonly exchange: string;
  /** The routing key it was published with. */
  readonly routingKey: string;
  /** The properties as their publisher sent them, followed by the body. */
  readonly content: Uint8Array;
  /** Where in `content` the body starts. */
  readonly bodyStart: number;
  readonly priority: number;
  /** Its own time to live in ms, if it has one. */
  readonly expirationMs: number | undefined;
  /** More routing keys, from the headers "CC" and "BCC". */
  readonly copies: readonly string[] | undefined;
  /** Whether it has died in a queue before. */
  readonly died: boolean;
}

/** Octets of the body. */
export function bodySize(message: Message): number {
  return message.content.length - message.bodyStart;
}

/** The headers, decoded. */
export function headers(message: Message): Table {
  return headersOf(message.content.subarray(0, message.bodyStart));
}

/** Content with edited properties, and where its body starts. */
export function editContent(
  content: Uint8Array,
  bodyStart: number,
  edits: Edits,
): { content: Uint8Array; bodyStart: number } {
  const properties = edit(content.subarray(0, bodyStart), edits);
  const body = content.subarray(bodyStart);
  const edited = new Uint8Array(properties.length + body.length);
  edited.set(properties);
  edited.set(body, properties.length);
  return { content: edited, bodyStart: properties.length };
}

/** The routing keys in a header "CC" or "BCC". */
export function copiesIn(table: Table, key: "CC" | "BCC"): string[] {
  const fields = asArray(lookup(table, key)) ?? [];
  return fields.flatMap((field) => asString(field) ?? []);
}
