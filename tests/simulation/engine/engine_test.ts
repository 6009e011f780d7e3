// The simulated world is as it should be: time, machines, connections.

import assert from "node:assert/strict";
import { Connection } from "./connection.ts";
import { afterMicrotasks } from "./globals.ts";
import { Loop } from "./loop.ts";
import { Machine } from "./machine.ts";
import { Random } from "./random.ts";
import { Route } from "./route.ts";

class Scene {
  readonly loop: Loop;
  readonly log: string[] = [];
  readonly #random: Random;
  #machines = 0;

  constructor(seed = "1") {
    this.loop = new Loop(seed, afterMicrotasks);
    this.#random = new Random(seed);
  }

  machine(name: string): Machine {
    return new Machine(this.loop, ++this.#machines, name, this.#random);
  }

  note(what: string): () => void {
    return () => this.log.push(`${this.loop.nowMs} ${what}`);
  }

  async run(untilMs = 1_000): Promise<string[]> {
    await this.loop.run(() => this.loop.nowMs >= untilMs);
    return this.log;
  }

  connect(latencyMs: number): {
    connection: Connection;
    route: Route;
    reader: Machine;
  } {
    const [writer, reader] = [this.machine("writer"), this.machine("reader")];
    const route = new Route(latencyMs, 0);
    const tap = { sent: () => {}, received: () => {} };
    const connection = new Connection(
      this.loop,
      writer,
      reader,
      route,
      this.#random,
      tap,
    );
    return { connection, route, reader };
  }

  /** Notes what is read at the other end, as text, to its end. */
  async read({ broker }: Connection): Promise<void> {
    const into = new Uint8Array(100);
    try {
      for (let n = 0; n !== null;) {
        const size = await broker.read(into);
        if (size === null) break;
        n = size;
        this.note(new TextDecoder().decode(into.subarray(0, n)))();
      }
      this.note("the end")();
    } catch (error) {
      this.note((error as Error).name)();
    }
  }
}

const bytes = (text: string) => new TextEncoder().encode(text);

Deno.test("timers fire in order, in no time, and not once cleared", async () => {
  const scene = new Scene();
  const machine = scene.machine("one");
  machine.setTimer(scene.note("late"), 50);
  machine.setTimer(scene.note("soon"), 0);
  machine.clearTimer(machine.setTimer(scene.note("never"), 10));
  const every = machine.setTimer(scene.note("again"), 20, 20);
  machine.after(70, () => machine.clearTimer(every));
  const log = ["1 soon", "20 again", "40 again", "50 late", "60 again"];
  assert.deepEqual(await scene.run(), log);
  assert.equal(machine.timers, 0);
});

Deno.test("all microtasks and ticks run before the next event", async () => {
  const scene = new Scene();
  const machine = scene.machine("one");
  machine.soon(async () => {
    machine.ticks.push(scene.note("tick"));
    for (let i = 0; i < 100; i++) await undefined;
    scene.note("microtasks")();
  });
  machine.soon(scene.note("next"));
  assert.deepEqual(await scene.run(), ["0 microtasks", "0 tick", "0 next"]);
});

Deno.test("what is due at one instant comes in the order of the seed", async () => {
  const orders = new Set<string>();
  for (let seed = 0; seed < 50; seed++) {
    const scene = new Scene(`${seed}`);
    for (const name of ["a", "b", "c"]) {
      scene.machine(name).after(5, scene.note(name));
    }
    orders.add((await scene.run()).join());
  }
  assert.equal(orders.size, 6);
});

Deno.test("a machine that is paused goes on, one that is killed does not", async () => {
  const scene = new Scene();
  const [paused, killed] = [scene.machine("paused"), scene.machine("killed")];
  paused.setTimer(scene.note("paused"), 10);
  killed.setTimer(scene.note("killed"), 10);
  paused.pausedUntilMs = 500;
  killed.kill();
  assert.deepEqual(await scene.run(), ["500 paused"]);
});

Deno.test("bytes take their time, and wait while the line is stalled", async () => {
  const scene = new Scene();
  const { connection, route, reader } = scene.connect(10);
  reader.soon(() => void scene.read(connection));
  reader.after(1, () => void connection.client.write(bytes("a")));
  reader.after(20, () => {
    route.up.isStalled = true;
    connection.changed();
    void connection.client.write(bytes("b"));
  });
  reader.after(100, () => {
    route.up.isStalled = false;
    connection.changed();
  });
  reader.after(200, () => connection.client.close());
  assert.deepEqual(await scene.run(), ["11 a", "100 b", "210 the end"]);
});

Deno.test("a cut loses what is on its way, but for a part of it", async () => {
  const parts = new Set<string>();
  for (let seed = 0; seed < 50; seed++) {
    const scene = new Scene(`${seed}`);
    const { connection, reader } = scene.connect(10);
    reader.soon(() => void scene.read(connection));
    reader.after(1, () => void connection.client.write(bytes("abc")));
    reader.after(5, () => connection.cut("both"));
    const log = (await scene.run()).map((line) => line.split(" ")[1]);
    assert.equal(log.at(-1), "ConnectionReset");
    parts.add(log.slice(0, -1).join(""));
  }
  assert.deepEqual([...parts].sort(), ["", "a", "ab", "abc"]);
});

Deno.test("whoever is not told of a cut hears nothing", async () => {
  const scene = new Scene();
  const { connection, reader } = scene.connect(10);
  reader.soon(() => void scene.read(connection));
  reader.after(1, () => connection.cut("nobody"));
  reader.after(2, () => void connection.client.write(bytes("abc")));
  reader.after(50, () => connection.client.close());
  assert.deepEqual(await scene.run(), []);
});
