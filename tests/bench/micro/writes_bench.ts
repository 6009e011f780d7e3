// The frames of one turn of the event loop are joined.

import { JoinedWrites } from "../../../src/amqp/frames/writes.ts";

const FRAMES = 256;
/** About what a small request takes, its three frames together. */
const frame = new Uint8Array(200);

const writes = new JoinedWrites((_bytes, onWritten) => onWritten());
Deno.bench(
  `${FRAMES} times ${frame.length} bytes`,
  { group: "joined writes" },
  () => {
    for (let n = 0; n < FRAMES; n++) writes.add(frame);
    writes.flush();
  },
);
