// Other people's clients call our server, and our client calls their servers.

import assert from "node:assert/strict";
import { amqplibClient, amqplibServer } from "../peers/amqplib_peer.ts";
import {
  callFromPython,
  pythonMissing,
  type PythonPeer,
  startPythonServer,
} from "../support/peers.ts";
import { rabbitMqTest } from "../support/rabbitmq.ts";
import { fibonacci, numberLines, rawChannel, scene } from "../cli/scene.ts";

/** What a peer can do, whatever it is written in. */
interface Peer {
  name: string;
  needs: (string | undefined)[];
  /** Calls with a number and gives the reply. */
  call(url: string, queue: string, n: number): Promise<string>;
  /** Declares the queue and answers with Fibonacci numbers. */
  serve(
    url: string,
    queue: string,
    options: { durable: boolean },
  ): Promise<AsyncDisposable>;
}

function pythonPeer(library: PythonPeer, robust = false): Peer {
  return {
    name: robust ? `${library} (robust)` : library,
    needs: [pythonMissing(library)],
    call: (url, queue, n) => callFromPython(library, url, queue, n, { robust }),
    serve: (url, queue, options) =>
      startPythonServer(library, url, queue, options),
  };
}

const PEERS: Peer[] = [
  pythonPeer("pika"),
  pythonPeer("aio_pika"),
  {
    name: "amqplib",
    needs: [],
    call: amqplibClient,
    serve: amqplibServer,
  },
];

for (const { name, needs, call } of [...PEERS, pythonPeer("aio_pika", true)]) {
  rabbitMqTest(`${name} calls our server`, { needs }, async () => {
    const { url, queue, serve } = await scene();
    await using server = await serve(["--builtin", "fib"]);
    const calls = [30, 0, 21].map((n) => call(url, queue, n));
    assert.deepEqual(
      await Promise.all(calls),
      [30, 0, 21].map((n) => String(fibonacci(n))),
    );
    await server.waitFor(" [.] fib(30)");
    assert.equal(server.stderr(), "");
  });
}

for (const { name, needs, serve } of PEERS) {
  for (const durable of [false, true]) {
    const kind = durable ? "durable" : "transient";
    rabbitMqTest(
      `our client calls ${name}, ${kind} queue`,
      { needs },
      async () => {
        const { url, queue, client } = await scene();
        await using _server = await serve(url, queue, { durable });
        const one = await client(["30"]);
        assert.deepEqual(
          [one.code, one.stdout, one.stderr],
          [0, String(fibonacci(30)), ""],
        );
        const stdin = numberLines(0, 20);
        const many = await client(["-l", "-c", "10"], { stdin });
        const expected = Array.from({ length: 21 }, (_, n) => fibonacci(n));
        assert.equal(many.stdout, expected.join("\n") + "\n");
        assert.deepEqual([many.code, many.stderr], [0, ""]);
      },
    );
  }

  rabbitMqTest(
    `our server beside ${name}'s on its transient queue`,
    { needs },
    async () => {
      const { url, queue, client, serve: serveOurs } = await scene();
      {
        await using _theirs = await serve(url, queue, { durable: false });
        await using ours = await serveOurs(["--builtin", "fib"]);
        const { code, stdout } = await client(["-l"], {
          stdin: "20\n".repeat(40),
        });
        assert.equal(stdout, `${fibonacci(20)}\n`.repeat(40));
        assert.equal(code, 0);
        await ours.waitFor(" [.] fib(20)");
        assert.equal(ours.stderr(), "");
      }
      // Theirs comes back to the queue that ours left as it was.
      await using raw = await rawChannel(url);
      await raw.channel.assertQueue(queue, { durable: false });
      await using _again = await serve(url, queue, { durable: false });
      assert.equal((await client(["10"])).stdout, "55");
    },
  );
}
