/**
 * Starts what the demo needs, and shows its steps.
 *
 * @module
 */
import { connect } from "../../amqp/connect.ts";
import { startBroker } from "../../broker/broker.ts";
import { EXIT } from "../exit_status.ts";
import { onStopSignal, stoppedStatus } from "../signals.ts";
import { type ColorWhen, paintFor } from "../stdio/color.ts";
import { OrderedOutput } from "../stdio/ordered_output.ts";
import { DemoServer } from "./processes.ts";
import { READY_LINE } from "./server.ts";
import { Demo, QUEUE } from "./steps.ts";

/** Returns the exit status: that of a signal if one stops the demo. */
export async function runDemo(color: ColorWhen): Promise<number> {
  const stopped = Promise.withResolvers<number>();
  using _signals = onStopSignal((_, signal) => {
    stopped.resolve(stoppedStatus(signal));
  });
  await using broker = await startBroker();
  await using first = new DemoServer(broker.url, QUEUE);
  await using second = new DemoServer(broker.url, QUEUE);
  const shown = showDemo(broker.url, [first, second], color);
  return await Promise.race([shown, stopped.promise]);
}

async function showDemo(
  url: string,
  servers: DemoServer[],
  color: ColorWhen,
): Promise<number> {
  const output = new OrderedOutput();
  await Promise.all(servers.map((server) => server.prints(READY_LINE)));
  await using rpc = await connect(url);
  const print = (line: string) => output.add(line);
  const demo = new Demo(rpc, servers, print, paintFor("stdout", color));
  await demo.run();
  await output.flushed();
  return EXIT.ok;
}
