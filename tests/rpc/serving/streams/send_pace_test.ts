// Tests of src/rpc/serving/streams/send_pace.ts.

import assert from "node:assert/strict";
import { SendPace } from "../../../../src/rpc/serving/streams/send_pace.ts";
import { turns } from "../../../support/within.ts";

/** A broker that takes items when it is told to. */
function port() {
  const asked: PromiseWithResolvers<void>[] = [];
  const itemsTaken = () => {
    const next = Promise.withResolvers<void>();
    asked.push(next);
    return next.promise;
  };
  return { asked, controlQueue: "amq.gen-c", publishItem() {}, itemsTaken };
}

/** So many items at once; whether the last one waits after the others. */
async function send(
  pace: SendPace,
  to: ReturnType<typeof port>,
  count: number,
) {
  for (let n = 0; n < count; n++) {
    const wait = pace.take(to);
    if (wait && n < count - 1) await wait;
    else if (wait) {
      let over = false;
      void wait.then(() => over = true);
      await turns();
      return !over;
    }
  }
  return false;
}

Deno.test("two rounds may be on their way, a third waits for the broker", async () => {
  const pace = new SendPace();
  const broker = port();
  assert.equal(await send(pace, broker, 1_024), false);
  assert.equal(broker.asked.length, 1);
  assert.equal(await send(pace, broker, 1), true);
  broker.asked[0]!.resolve();
  await turns();
  assert.equal(await send(pace, broker, 512), false);
  assert.equal(broker.asked.length, 2);
});

Deno.test("what is lost with its connection is not waited for", async () => {
  const pace = new SendPace();
  const broker = port();
  await send(pace, broker, 1_024);
  broker.asked[0]!.reject(new Error("lost"));
  await turns();
  assert.equal(await send(pace, broker, 512), false);
});
