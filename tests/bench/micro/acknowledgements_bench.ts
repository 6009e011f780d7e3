// The deliveries of one turn of the event loop are done with.

import { Acknowledgements } from "../../../src/amqp/acknowledgements.ts";

const DELIVERIES = 256;

const inOrder = new Acknowledgements(() => {});
let last = 0;
Deno.bench(`${DELIVERIES} in order`, { group: "acknowledgements" }, () => {
  for (let n = 0; n < DELIVERIES; n++) inOrder.add(++last);
  inOrder.flush();
});

const reversed = new Acknowledgements(() => {});
let before = 0;
Deno.bench(
  `${DELIVERIES}, the oldest last`,
  { group: "acknowledgements" },
  () => {
    for (let n = DELIVERIES; n > 1; n--) reversed.add(before + n);
    reversed.flush();
    reversed.add(before + 1);
    reversed.flush();
    before += DELIVERIES;
  },
);
