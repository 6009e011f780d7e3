// A thread in which nothing is real: it runs histories, and does not stop.

/// <reference lib="deno.worker" />
import { replaceGlobals } from "./engine/globals.ts";

// Before the product is loaded.
replaceGlobals();
const { carryOut } = await import("./orders.ts");

self.onmessage = ({ data }) =>
  carryOut(data, (seed) => self.postMessage({ type: "begun", seed })).then(
    (answer) => self.postMessage(answer),
    (error) => self.postMessage({ type: "failed", error: `${error?.stack}` }),
  );
self.postMessage({ type: "ready" });
