// The frames of one turn of the event loop are joined.

import { JoinedWrites } from "../../../src/amqp/joined_writes.ts";

const FRAMES = 256;
/** About what a small request takes, its three frames together. */
const frame = new Uint8Array(200);

const writes = new JoinedWrites(() => Promise.resolve(), (error) => {
  throw error;
});
Deno.bench(
  `${FRAMES} times ${frame.length} bytes`,
  { group: "joined writes" },
  async () => {
    for (let n = 0; n < FRAMES; n++) writes.writer.raw(frame);
    writes.flush();
    await undefined;
  },
);
