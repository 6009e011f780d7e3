// Queues and consumers without any connection: the port that connections use.

import { deepEqual, equal, throws } from "node:assert/strict";
import { BEHAVIOR, NEWEST } from "../../../src/broker/generation.ts";
import { Gate } from "../../../src/broker/gate.ts";
import type { Consumer } from "../../../src/broker/routing/consumers.ts";
import type { Entry } from "../../../src/broker/routing/lane.ts";
import { Memory } from "../../../src/broker/routing/memory.ts";
import type { Message } from "../../../src/broker/routing/message.ts";
import type { Queue } from "../../../src/broker/routing/queue.ts";
import { VHost } from "../../../src/broker/routing/vhost.ts";
import type { Table } from "../../../src/amqp091/table.ts";
import { args } from "../support/properties.ts";

/** A virtual host that belongs to no broker. */
function vhost(publishing = new Gate()): VHost {
  const memory = new Memory(10_000, publishing);
  return new VHost("/", BEHAVIOR[NEWEST], memory, () => {});
}

function queue(host: VHost, name: string, args: Table = []): Queue {
  const options = { durable: true, autoDelete: false, owner: undefined, args };
  return host.addQueue(name, options);
}

/** A message without properties, to the default exchange. */
function message(routingKey: string, body: string, priority = 0): Message {
  return {
    exchange: "",
    routingKey,
    content: new TextEncoder().encode(`\0\0${body}`),
    bodyStart: 2,
    priority,
    expirationMs: undefined,
    copies: undefined,
    died: false,
  };
}

function text({ content, bodyStart }: Message): string {
  return new TextDecoder().decode(content.subarray(bodyStart));
}

/** Remembers what it is given, as much of it as it has room for. */
class Recorder implements Consumer {
  readonly entries: Entry[] = [];
  room = Infinity;
  deleted = false;

  constructor(readonly priority = 0, readonly exclusive = false) {}

  get bodies(): string[] {
    return this.entries.map((entry) => text(entry.message));
  }

  canTake(): boolean {
    return this.entries.length < this.room;
  }

  deliver(entry: Entry): void {
    this.entries.push(entry);
  }

  queueDeleted(): void {
    this.deleted = true;
  }
}

Deno.test("consumers take turns, those of a higher priority first", () => {
  const calc = queue(vhost(), "calc");
  const [a, b, preferred] = [new Recorder(), new Recorder(), new Recorder(1)];
  preferred.room = 1;
  for (const consumer of [a, b, preferred]) calc.addConsumer(consumer);
  for (const body of ["1", "2", "3", "4", "5"]) {
    calc.publish(message("calc", body));
  }
  deepEqual(preferred.bodies, ["1"]);
  deepEqual([a.bodies, b.bodies], [["2", "4"], ["3", "5"]]);
});

Deno.test("a consumer without room is asked again only once it is woken", () => {
  const calc = queue(vhost(), "calc");
  const consumer = new Recorder();
  consumer.room = 0;
  calc.addConsumer(consumer);
  calc.publish(message("calc", "1"));
  consumer.room = 1;
  calc.pump();
  deepEqual(consumer.bodies, []);
  calc.wake(consumer);
  deepEqual(consumer.bodies, ["1"]);
  equal(calc.ready, 0);
});

Deno.test("messages that are put back return to their places", () => {
  const calc = queue(vhost(), "calc", args({ "x-max-priority": 1 }));
  const bodies = ["1", "2", "3"];
  for (const body of bodies) calc.publish(message("calc", body));
  calc.publish(message("calc", "urgent", 1));
  const entries = [1, 2, 3].map(() => calc.get()!);
  deepEqual(entries.map((e) => text(e.message)), ["urgent", "1", "2"]);
  for (const entry of entries) calc.sent(entry);
  equal(calc.unacknowledged, 3);
  for (const entry of entries.toReversed()) calc.putBack(entry, false);
  const again = [1, 2, 3, 4].map(() => calc.get()!);
  deepEqual(again.map((e) => text(e.message)), ["urgent", ...bodies]);
  deepEqual(again.map((e) => e.redelivered), [true, true, true, false]);
});

Deno.test("an exclusive consumer is alone", () => {
  const calc = queue(vhost(), "calc");
  calc.addConsumer(new Recorder());
  throws(
    () => calc.addConsumer(new Recorder(0, true)),
    /ACCESS_REFUSED - queue 'calc' in vhost '\/' in exclusive use/,
  );
});

Deno.test("a full queue drops its oldest message, or refuses the newest", () => {
  const host = vhost();
  const drops = queue(host, "drops", args({ "x-max-length": 2 }));
  const refuses = queue(
    host,
    "refuses",
    args({ "x-max-length": 2, "x-overflow": "reject-publish" }),
  );
  const taken = (to: Queue) =>
    ["1", "2", "3"].map((body) => to.publish(message(to.name, body)));
  deepEqual(taken(drops), [true, true, true]);
  deepEqual(taken(refuses), [true, true, false]);
  equal(text(drops.get()!.message), "2");
  equal(text(refuses.get()!.message), "1");
});

Deno.test("messages that die go to the dead-letter exchange", () => {
  const host = vhost();
  const dead = queue(host, "dead");
  const calc = queue(
    host,
    "calc",
    args({
      "x-dead-letter-exchange": "",
      "x-dead-letter-routing-key": "dead",
    }),
  );
  calc.publish(message("calc", "1"));
  const entry = calc.get()!;
  calc.sent(entry);
  calc.reject(entry);
  const { message: letter } = dead.get()!;
  deepEqual([text(letter), letter.died], ["1", true]);
});

Deno.test("an alarm begins above the watermark and ends well below it", () => {
  const publishing = new Gate();
  const host = vhost(publishing);
  const calc = queue(host, "calc");
  const large = message("calc", "x".repeat(6_000));
  calc.publish(large);
  equal(publishing.closed, false);
  calc.publish(large);
  equal(publishing.reason, "low on memory");
  calc.get();
  equal(publishing.closed, false);
  calc.publish(large);
  equal(publishing.closed, true);
  host.deleteQueue(calc);
  equal(publishing.closed, false);
});

Deno.test("the consumers of a queue are told that it was deleted", () => {
  const host = vhost();
  const calc = queue(host, "calc");
  const consumer = new Recorder();
  calc.addConsumer(consumer);
  host.deleteQueue(calc);
  equal(consumer.deleted, true);
  equal(host.findQueue("calc"), undefined);
});
