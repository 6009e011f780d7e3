// A server whose queue or channel is lost on a connection that lives on.

import assert from "node:assert/strict";
import { connect, type ServerEvent } from "../../../src/mod.ts";
import {
  channelsWith,
  closeChannels,
  connectionsNamed,
} from "../../support/erlang.ts";
import { rabbitMqTest, sharedRabbitMq } from "../../support/rabbitmq.ts";
import { waitUntil } from "../../support/wait.ts";
import { serveHooks } from "../../support/hooks.ts";

rabbitMqTest(
  "a server that lost a channel leaves no consumer behind",
  async () => {
    const rabbitMq = await sharedRabbitMq();
    const queue = "interrupted-server";
    const name = "interrupted server";
    await using serving = await connect(rabbitMq.url, { name });
    await using calling = await connect(rabbitMq.url);
    const consuming = [Promise.withResolvers(), Promise.withResolvers()];
    const waiting = consuming.values();
    const onEvent = ({ type }: ServerEvent) => {
      if (type === "consuming") waiting.next().value?.resolve(type);
    };
    await serving.serve(
      queue,
      (request) => request.text(),
      serveHooks({ onEvent }),
    );
    await consuming[0]!.promise;
    const publisher = `${connectionsNamed(name)}, ${
      channelsWith("{connection, P}", "{confirm, true}")
    }`;
    assert.equal(await closeChannels(rabbitMq, publisher), 1);
    await consuming[1]!.promise;
    // A consumer that nobody reads would take every other request.
    await waitUntil("one consumer", async () => {
      return (await calling.inspect(queue))?.consumers === 1;
    }, 20_000);
    for (const text of ["one", "two", "three"]) {
      const reply = await calling.call(queue, text, { timeoutMs: 20_000 });
      assert.equal(reply.text(), text);
    }
  },
);

rabbitMqTest("a reply goes out although its queue was deleted", async () => {
  const rabbitMq = await sharedRabbitMq();
  const queue = "deleted-while-it-runs";
  await using serving = await connect(rabbitMq.url);
  await using calling = await connect(rabbitMq.url);
  const running = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const again = Promise.withResolvers<void>();
  let timesConsuming = 0;
  await serving.serve(
    queue,
    async (request) => {
      running.resolve();
      await release.promise;
      return request.text();
    },
    serveHooks({
      onEvent: ({ type }) => {
        if (type === "consuming" && ++timesConsuming === 2) again.resolve();
      },
    }),
  );
  const call = calling.call(queue, "answer", { timeoutMs: 20_000 });
  await running.promise;
  await rabbitMq.ctl("delete_queue", queue);
  await again.promise;
  release.resolve();
  assert.equal((await call).text(), "answer");
});
