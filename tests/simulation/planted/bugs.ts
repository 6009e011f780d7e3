// Bugs that the simulation has to find. Each replaces a piece of the product's
// source, in a copy of it; where the source has changed, mend the piece.

import type { PlantedBug } from "./plant.ts";

export const PLANTED_BUGS: readonly PlantedBug[] = [
  {
    name: "acknowledges a request before its reply is confirmed",
    file: "rpc/serving/replier.ts",
    find: "this.job.requests.publish(this.replyTo, body, properties, this);\n" +
      "  }\n\n" +
      "  confirmed(): void {\n" +
      "    this.#replier.settle(this.job, this.settlement);",
    replace:
      "this.job.requests.publish(this.replyTo, body, properties, this);\n" +
      "    this.#replier.settle(this.job, this.settlement);\n" +
      "  }\n\n" +
      "  confirmed(): void {",
  },
  {
    name: "forgets the pending entry of an aborted call",
    file: "rpc/calling/cancellations.ts",
    find: "const waited = this.#pending.settle(correlationId, error);",
    replace: "const waited = true;\n    call.end(error);",
  },
  {
    name: "gives a late reply to another call",
    file: "rpc/calling/pending.ts",
    find: "return call?.correlationId === correlationId ? call : undefined;",
    replace: "return call ?? this.#calls.values().next().value;",
  },
  {
    name: "uses a correlation id again",
    file: "rpc/unique_ids.ts",
    find: "this.#count++",
    replace: "(this.#count++ % 64)",
  },
  {
    name: "does not give back what has not started when it drains",
    file: "rpc/serving/draining.ts",
    find: "    for (const { requests, deliveryTag } of waiting) {\n" +
      "      requests.nack(deliveryTag, true);\n    }\n",
    replace: "    void waiting;\n",
  },
  {
    name: "ignores basic.cancel",
    file: "amqp/channel.ts",
    find: "return this.handlers.onCanceled?.();",
    replace: "return;",
  },
  {
    name: "does not tell pending calls of a lost connection",
    file: "rpc/calling/requesters.ts",
    find: "this.#pending.failAll((call) => connectionLost(cause, call.sent));",
    replace: "void cause;",
  },
  {
    name: "sends a retry under another message id",
    file: "rpc/calling/requester.ts",
    find: "messageId: call.messageId,",
    replace: "messageId: call.messageId && crypto.randomUUID(),",
  },
  {
    name: "never notices a silent connection",
    file: "amqp/heartbeat.ts",
    find: "if (++this.#silentTicks >= SILENT_TICKS) {",
    replace: "if (++this.#silentTicks >= Infinity) {",
  },
  {
    name: "sends no heartbeats",
    file: "amqp/heartbeat.ts",
    find: "this.#actions.send();",
    replace: ";",
  },
  {
    name: "says of what was sent that it can't have run",
    file: "rpc/calling/requester.ts",
    find: "pending.sent = true;",
    replace: ";",
  },
  {
    name: "takes a confirm of many for one",
    file: "amqp/confirms.ts",
    find: "let tag = multiple ? this.#oldestTag : last;",
    replace: "let tag = last;",
  },
  {
    name: "acknowledges more than is done",
    file: "amqp/acknowledgements.ts",
    find: "if (this.#run > 0) this.#send(this.#last, this.#run > 1);",
    replace: "if (this.#run > 0) this.#send(this.#last + 1, true);",
  },
  {
    name: "forgets what a reply was that could not be sent",
    file: "rpc/serving/reply_cache.ts",
    find: "if (key !== undefined) this.store(key, outcome);",
    replace: "void [key, outcome];",
  },
  {
    name: "does not go on when the connection is unblocked",
    file: "rpc/calling/delayed_calls.ts",
    find: "    unblocked.then(() => this.#resume(requester));\n  }",
    replace: "  }",
  },
  {
    name: "runs a request again that came back while it ran",
    file: "rpc/serving/dispatcher.ts",
    find: "this.#index(run, redeliveryKey(request));",
    replace: "void redeliveryKey(request);",
  },
  {
    name: "does not remember what it has answered",
    file: "rpc/serving/reply_cache.ts",
    find: "if (bytes > maxBytes) return;",
    replace: "if (bytes >= 0) return;",
  },
  {
    name: "does not tell the server of an abort",
    file: "rpc/calling/cancellations.ts",
    find:
      "void settled(requester.connection.cancelCall(queue, correlationId));",
    replace: "void settled;",
  },
  {
    name: "arms its timer for the first deadline alone",
    file: "async/deadlines.ts",
    find: "if (nextMs < this.#armedForMs) this.#arm(nextMs);",
    replace: "void nextMs;",
  },
  {
    name: "runs one more than it may",
    file: "rpc/serving/dispatcher.ts",
    find: "this.#running.size < concurrency",
    replace: "this.#running.size <= concurrency",
  },
  {
    name: "runs what has expired",
    file: "rpc/serving/dispatcher.ts",
    find: "if (job.dueMs <= startedMs) {",
    replace: "if (job.dueMs <= 0) {",
  },
  {
    name: "keeps a connection that is lost",
    file: "amqp/transport.ts",
    find: "      this.#connection = undefined;\n      if (this.#closing",
    replace: "      if (this.#closing",
  },
  {
    name: "does not agree to the close of a channel",
    file: "amqp/channel.ts",
    find: 'this.send("channel.close-ok");\n      this.#gone(error);',
    replace: "this.#gone(error);",
  },
  {
    name: "leaves its listener at the signal of a call",
    file: "rpc/calling/shared_signals.ts",
    find: "if (!watch?.items.delete(item) || watch.items.size > 0) return;",
    replace: "if (!watch?.items.delete(item) || watch.items.size >= 0) return;",
  },
  {
    name: "drops what has not started when it drains",
    file: "rpc/serving/draining.ts",
    find: "      requests.nack(deliveryTag, true);\n    }\n    this.checkIdle",
    replace:
      "      requests.nack(deliveryTag, false);\n    }\n    this.checkIdle",
  },
  {
    name: "publishes while it is blocked",
    file: "amqp/flow.ts",
    find: "    this.#unblocked ??= Promise.withResolvers();\n",
    replace: "",
  },
  {
    name: "acknowledges no replies",
    file: "amqp/callback_queue.ts",
    find: "this.consume(queue, true)",
    replace: "this.consume(queue, false)",
  },
  {
    name: "takes a refusal for a confirm",
    file: "amqp/channel.ts",
    find: "multiple, id === ACK)",
    replace: "multiple, true)",
  },
  {
    name: "ends before its grace is over",
    file: "rpc/serving/draining.ts",
    find: "    await this.#idle.promise;\n",
    replace: "",
  },
  {
    name: "forgets aborts that come before their requests",
    file: "rpc/serving/canceled_ids.ts",
    find: "this.#ids.add(id);",
    replace: ";",
  },
  {
    name: "does not count its retries",
    file: "rpc/calling/retries.ts",
    find: '(remedyOf(error) === "retry" && retriesLeft-- > 0)',
    replace: 'remedyOf(error) === "retry"',
  },
  {
    name: "leaves channels open that it has asked over",
    file: "amqp/inspector.ts",
    find: "    await closeChannel(this.#connection, channel);\n  }\n}",
    replace: "  }\n}",
  },
  {
    name: "asks for no prefetch window",
    file: "amqp/request_queue.ts",
    find: "{ prefetchCount }",
    replace: "{ prefetchCount: 0 }",
  },
  {
    name: "gives each attempt the whole time of its call",
    file: "rpc/calling/attempts.ts",
    find: "new PendingCall(this.pending, call, resolve, reject)",
    replace: "new PendingCall(this.pending, { ...call, " +
      "dueMs: performance.now() + call.timeoutMs }, resolve, reject)",
  },
  {
    name: "goes on with a channel that was replaced",
    file: "amqp/publisher.ts",
    find: "    this.dropUnconfirmed();\n    this.#confirmed = confirmed;\n",
    replace: "    this.dropUnconfirmed();\n",
  },
  {
    name: "gives back more than one request",
    file: "amqp/request_queue.ts",
    find: '"basic.nack", { deliveryTag, requeue }',
    replace: '"basic.nack", { deliveryTag, requeue, multiple: true }',
  },
  {
    name: "does not let a higher priority go first",
    file: "rpc/serving/waiting_jobs.ts",
    find: "priorityOf(last) >= priority) {",
    replace: "priorityOf(last) >= 0) {",
  },
  {
    name: "lets a procedure run as long as its caller waits",
    file: "rpc/serving/execution.ts",
    find: "Math.min(startedMs + limits.handlerTimeoutMs, job.dueMs)",
    replace: "job.dueMs",
  },
  {
    name: "answers one of those that ask for the same",
    file: "rpc/serving/dispatcher.ts",
    find: "for (const job of run.jobs) this.#reply(job, outcome);",
    replace: "this.#reply(run.jobs[0]!, outcome);",
  },
  {
    name: "lets questions wait that a lost channel was asked",
    file: "amqp/channel.ts",
    find: "    this.#end ??= error;\n    this.#answers.fail(error);\n",
    replace: "    this.#end ??= error;\n",
  },
  {
    name: "forgets that an earlier attempt may have run",
    file: "rpc/calling/retries.ts",
    find: "this.#maybeExecuted || this.#open.size > 0;",
    replace: "this.#open.size < 0;",
  },
  {
    name: "leaves the channels of a callback queue that was lost",
    file: "rpc/calling/requesters.ts",
    find: "    void settled(requester.close());\n",
    replace: "",
  },
  {
    name: "leaves its listener at the loss of a connection",
    file: "amqp/consumed_queue.ts",
    find: "    this.#stopListening();\n",
    replace: "",
  },
  {
    name: "does not notice that it hears of no aborts any more",
    file: "amqp/request_queue.ts",
    find: "    deaf.then((error) => this.end(error));\n",
    replace: "",
  },
  {
    name: "does not have a request kept that is to be",
    file: "rpc/wire.ts",
    find: "if (options.persistent) properties.deliveryMode = 2;",
    replace: "",
  },
  {
    name: "makes a call again that has failed for good, without end",
    file: "rpc/calling/retries.ts",
    find: "if (!again || nowMs() >= policy.dueMs) {",
    replace: "if (!again && nowMs() >= policy.dueMs) {",
  },
];
