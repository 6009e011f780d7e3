// Tests of src/amqp/acknowledgements.ts.

import assert from "node:assert/strict";
import fc from "fast-check";
import { Acknowledgements } from "../../src/amqp/acknowledgements.ts";

function recorded() {
  const sent: [number, boolean][] = [];
  const acks = new Acknowledgements((tag, multiple) =>
    sent.push([tag, multiple])
  );
  return { acks, sent };
}

Deno.test("a run is acknowledged together", () => {
  const { acks, sent } = recorded();
  for (const tag of [2, 1, 3]) acks.add(tag);
  assert.deepEqual(sent, []);
  acks.flush();
  assert.deepEqual(sent, [[3, true]]);
});

Deno.test("one delivery is acknowledged alone", () => {
  const { acks, sent } = recorded();
  acks.add(1);
  acks.flush();
  acks.add(2);
  acks.flush();
  acks.flush();
  assert.deepEqual(sent, [[1, false], [2, false]]);
});

Deno.test("what is done out of order does not wait for the slow one", () => {
  const { acks, sent } = recorded();
  acks.add(2);
  acks.add(4);
  acks.flush();
  assert.deepEqual(sent, [[2, false], [4, false]]);
  sent.length = 0;
  acks.add(1);
  acks.add(3);
  acks.flush();
  // 2 and 4 are known to the broker; a run may not be named by one of them.
  assert.deepEqual(sent, [[3, true]]);
});

Deno.test("what was given back is not acknowledged", () => {
  const { acks, sent } = recorded();
  acks.skip(1);
  acks.skip(4);
  acks.add(2);
  acks.add(3);
  acks.flush();
  assert.deepEqual(sent, [[3, true]]);
  acks.add(5);
  acks.flush();
  assert.deepEqual(sent, [[3, true], [5, false]]);
});

/** One channel as RabbitMQ keeps it. */
class ChannelModel {
  readonly outstanding = new Set<number>();
  readonly done = new Set<number>();
  frames = 0;

  ack(tag: number, multiple: boolean): void {
    this.frames++;
    // Anything else is 406 PRECONDITION_FAILED, unknown delivery tag.
    assert.ok(this.outstanding.has(tag), `acknowledged ${tag} again`);
    for (const each of [...this.outstanding]) {
      if (each === tag || (multiple && each < tag)) {
        assert.ok(this.done.has(each), `${each} is not done, ${tag} multiple`);
        this.outstanding.delete(each);
      }
    }
  }
}

type Step = "deliver" | "flush" | { finish: number; giveBack: boolean };

Deno.test("the broker hears of each delivery once, and never too early", () => {
  const step: fc.Arbitrary<Step> = fc.oneof(
    { arbitrary: fc.constant<Step>("deliver"), weight: 3 },
    { arbitrary: fc.constant<Step>("flush"), weight: 1 },
    {
      arbitrary: fc.record({
        finish: fc.nat(),
        giveBack: fc.boolean(),
      }),
      weight: 3,
    },
  );
  const steps = fc.array(step, { maxLength: 80 });
  fc.assert(
    fc.property(steps, (steps) => {
      const channel = new ChannelModel();
      const acks = new Acknowledgements((...ack) => channel.ack(...ack));
      const running: number[] = [];
      let delivered = 0;
      const finish = (nth: number, giveBack: boolean) => {
        const [tag] = running.splice(nth % running.length, 1);
        if (giveBack) {
          assert.ok(channel.outstanding.delete(tag), `gave back ${tag} again`);
          acks.skip(tag);
        } else {
          channel.done.add(tag);
          acks.add(tag);
        }
      };
      for (const step of steps) {
        if (step === "deliver") {
          channel.outstanding.add(++delivered);
          running.push(delivered);
        } else if (step === "flush") acks.flush();
        else if (running.length > 0) finish(step.finish, step.giveBack);
      }
      // What is done is known after a flush, be something still running or not.
      acks.flush();
      assert.deepEqual([...channel.outstanding].sort(), [...running].sort());
      while (running.length > 0) finish(0, false);
      acks.flush();
      assert.equal(channel.outstanding.size, 0);
      assert.ok(channel.frames <= delivered);
    }),
    { numRuns: 500 },
  );
});

Deno.test("in order, a flush is one frame, however many there are", () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 300 }), { maxLength: 20 });
  fc.assert(fc.property(sizes, (sizes) => {
    const { acks, sent } = recorded();
    let tag = 0;
    for (const size of sizes) {
      for (let n = 0; n < size; n++) acks.add(++tag);
      acks.flush();
      assert.deepEqual(sent.at(-1), [tag, size > 1]);
    }
    assert.equal(sent.length, sizes.length);
  }));
});
