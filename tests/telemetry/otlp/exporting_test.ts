// The exporter of our own, as an executable uses it: against a receiver.

import { metrics, trace } from "@opentelemetry/api";
import assert from "node:assert/strict";
import {
  isExportedByDeno,
  startExporting,
} from "../../../src/telemetry/otlp/exporting.ts";
import { test } from "../../support/needs.ts";
import { OtlpReceiver } from "../../support/otlp_receiver.ts";
import { within } from "../../support/within.ts";

test("what is recorded is exported by the end, twice in a row", async () => {
  await using receiver = new OtlpReceiver();
  const errors: Error[] = [];
  for (const name of ["first", "second"]) {
    const exporting = await startExporting(
      (variable) => receiver.env[variable],
      "tested",
      (error) => errors.push(error),
    );
    trace.getTracer("test").startSpan(name).end();
    metrics.getMeter("test").createCounter(name).add(7);
    await within("the end", exporting.close());
  }
  assert.deepEqual(errors, []);
  assert.equal(isExportedByDeno(), false);
  assert.deepEqual(
    receiver.spans.map(({ name, service }) => [name, service]),
    [["first", "tested"], ["second", "tested"]],
  );
  assert.deepEqual(
    receiver.points.map(({ name, value }) => [name, value]),
    [["first", 7], ["second", 7]],
  );
});

test("nothing is registered where a variable makes no sense", async () => {
  await assert.rejects(
    startExporting(() => "nonsense", "tested", () => {}),
    RangeError,
  );
  assert.equal(trace.getTracer("test").startSpan("x").isRecording(), false);
});
