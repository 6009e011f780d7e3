// Other people's clients against the embedded broker: RabbitMQ's tutorials.

import { deepEqual, equal } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { startBroker } from "../../src/broker/broker.ts";
import { pythonMissing, type PythonPeer } from "../support/peers.ts";
import { testNeeding } from "../support/needs.ts";

const TUTORIALS = [
  "ok one_hello",
  "ok two_work_queues",
  "ok three_publish_subscribe",
  "ok four_routing",
  "ok five_topics",
  "ok six_rpc",
  "ok seven_confirms",
];

function tutorials(library: PythonPeer): void {
  const needs = [pythonMissing(library)];
  testNeeding(`tutorials one to seven in ${library}`, { needs }, async () => {
    await using broker = await startBroker();
    const script = new URL(`peers/${library}_tutorials.py`, import.meta.url);
    const { stdout, stderr, code } = await new Deno.Command(
      "/usr/bin/python3",
      {
        args: [fileURLToPath(script), broker.url],
        stdout: "piped",
        stderr: "piped",
        signal: AbortSignal.timeout(90_000),
      },
    ).output();
    const text = new TextDecoder();
    deepEqual(
      text.decode(stdout).trim().split("\n"),
      TUTORIALS,
      text.decode(stderr),
    );
    equal(code, 0, text.decode(stderr));
  });
}

tutorials("pika");
tutorials("aio_pika");
