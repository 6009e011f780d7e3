// deno-lint-ignore-file no-console

// RabbitMQ's tutorial six: a server that computes Fibonacci numbers, and a
// client that asks for one. They need not be in one program, or in one
// language: the tutorial's own client and server work with either.

import { connect, RpcError } from "@rabbit-rpc/rabbit-rpc";

const fib = (n: number): number => n < 2 ? n : fib(n - 1) + fib(n - 2);

await using rpc = await connect(Deno.env.get("AMQP_URL"));

await using _server = await rpc.serve("rpc_queue", (request) => {
  const n = Number(request.text());
  // Any other error that is thrown reaches the caller as "internal".
  if (!(n >= 0)) throw new RpcError("invalid_argument", "fib wants a number");
  return String(fib(n));
});

const reply = await rpc.call("rpc_queue", "30");
console.log(reply.text());

// Prints:
// 832040
