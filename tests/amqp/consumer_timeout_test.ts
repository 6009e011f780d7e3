// Tests of src/amqp/consumer_timeout.ts and what it decides from.

import assert from "node:assert/strict";
import {
  brokerTitle,
  isRabbitMqSince,
  UNKNOWN_BROKER,
} from "../../src/amqp/broker_version.ts";
import {
  canceled,
  consumerTimeout,
  hasNoTimeout,
} from "../../src/amqp/consumer_timeout.ts";
import { ClosedByBroker } from "../../src/amqp/closed_by_broker.ts";
import { channelFailure } from "../../src/amqp/channel_failures.ts";
import {
  longestUnackedMs,
  serveSettings,
} from "../../src/rpc/serving/serve_options.ts";

const HOUR_MS = 60 * 60_000;

function rabbitMq(version: string) {
  return { product: "RabbitMQ", version };
}

Deno.test("which RabbitMQ it is", () => {
  assert.equal(isRabbitMqSince(rabbitMq("4.3.0-rc.1"), 4, 3), true);
  assert.equal(isRabbitMqSince(rabbitMq("5.0.1"), 4, 3), true);
  assert.equal(isRabbitMqSince(rabbitMq("4.10.0"), 4, 3), true);
  assert.equal(isRabbitMqSince(rabbitMq("4.2.9"), 4, 3), false);
  assert.equal(isRabbitMqSince(rabbitMq(""), 3, 8), false);
  const other = { product: "LavinMQ", version: "9.9.9" };
  assert.equal(isRabbitMqSince(other, 3, 8), false);
  assert.equal(brokerTitle(other), "LavinMQ 9.9.9");
  assert.equal(brokerTitle(UNKNOWN_BROKER), "the broker");
});

Deno.test("up to 30 minutes there is nothing to set", () => {
  for (const version of ["3.10.8", "4.0.5", "4.3.6"]) {
    assert.deepEqual(consumerTimeout(rabbitMq(version), HOUR_MS / 2), {});
  }
  assert.deepEqual(consumerTimeout(UNKNOWN_BROKER, HOUR_MS), {});
});

Deno.test("beyond it, what each generation takes", () => {
  assert.deepEqual(consumerTimeout(rabbitMq("4.3.6"), HOUR_MS + 0.5), {
    args: { "x-consumer-timeout": HOUR_MS + 1 },
  });
  // Erlang's timers are not endless.
  assert.deepEqual(consumerTimeout(rabbitMq("4.3.6"), 1e12), {
    args: { "x-consumer-timeout": 2 ** 31 - 1 },
  });
  assert.equal(
    consumerTimeout(rabbitMq("3.10.8"), HOUR_MS).advice,
    "a request may stay unacknowledged for 1h, and RabbitMQ 3.10.8 takes " +
      "requests back after 30m by default: have consumer_timeout = 3600000 " +
      "set in rabbitmq.conf",
  );
  assert.match(
    consumerTimeout(rabbitMq("4.0.5"), HOUR_MS).advice!,
    /set in rabbitmq\.conf, or as consumer-timeout in a policy, or as x-consumer-timeout among the queue's arguments$/,
  );
});

Deno.test("what the broker says of it, in words", () => {
  const closed = (text: string) => new ClosedByBroker("channel", 406, text);
  const refused = "PRECONDITION_FAILED - invalid arg 'x-consumer-timeout' " +
    "for queue 'q' in vhost '/' of queue type rabbit_classic_queue";
  assert.equal(hasNoTimeout(closed(refused)), true);
  assert.equal(hasNoTimeout(closed("PRECONDITION_FAILED")), false);
  assert.equal(hasNoTimeout(new Error(refused)), false);
  const tooSlow = (ms: number) =>
    channelFailure(
      closed(
        "PRECONDITION_FAILED - delivery acknowledgement on " +
          `channel 1 timed out. Timeout value used: ${ms} ms. This timeout ` +
          "value can be configured, see consumers doc guide to learn more",
      ),
    );
  const told = "the broker took this server's requests back, since one was " +
    "not acknowledged within its consumer timeout";
  assert.equal(tooSlow(1_800_000).message, `${told} of 30m`);
  assert.equal(tooSlow(-1).message, told);
  assert.equal(tooSlow(-1).reason, "connection_lost");
  assert.equal(
    canceled(rabbitMq("4.3.6"), "q").message,
    'the broker canceled the consumer: queue "q" was deleted, or a request ' +
      "was not acknowledged within its consumer timeout",
  );
  assert.equal(
    canceled(rabbitMq("4.0.5"), "q").message,
    'the broker canceled the consumer: queue "q" was deleted, or is not ' +
      "available",
  );
});

Deno.test("what waits behind others is unacknowledged, too", () => {
  const unackedMs = (concurrency: number, prefetch?: number) =>
    longestUnackedMs(
      serveSettings({ concurrency, prefetch, handlerTimeoutMs: HOUR_MS }),
    );
  const [one, two, four] = [unackedMs(16), unackedMs(1), unackedMs(3, 10)];
  assert.ok(one > HOUR_MS && one < 1.1 * HOUR_MS);
  assert.equal(two - one, HOUR_MS, "one of two waits for the other");
  assert.equal(four - one, 3 * HOUR_MS, "the tenth of ten waits for three");
});
