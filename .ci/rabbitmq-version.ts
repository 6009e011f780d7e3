// Starts a node of the RabbitMQ that tests use, and prints what it says it is.

import { versionOf } from "../tests/support/erlang.ts";
import { rabbitMqMissing, withRabbitMq } from "../tests/support/rabbitmq.ts";

const missing = rabbitMqMissing();
// deno-lint-ignore no-console -- what this script is for
console.log(missing ?? await withRabbitMq(versionOf));
