// Other people's clients against the embedded broker: RabbitMQ's tutorials.

import { deepEqual, equal } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { startBroker } from "../../src/broker/broker.ts";
import { PYTHON, pythonMissing, type PythonPeer } from "../support/peers.ts";
import { runProcess } from "../support/process.ts";
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
    const args = [fileURLToPath(script), broker.url];
    const options = { timeoutMs: 90_000 };
    const { stdout, stderr, code } = await runProcess(PYTHON, args, options);
    deepEqual(stdout.trim().split("\n"), TUTORIALS, stderr);
    equal(code, 0, stderr);
  });
}

tutorials("pika");
tutorials("aio_pika");
