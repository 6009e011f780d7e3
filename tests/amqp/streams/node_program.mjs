// deno-lint-ignore-file no-console -- a program of its own

// A program for Node.js: node node_program.mjs BUNDLE URL. It serves a queue
// and calls it, over the library as one file and a stream over node:net.

import { connect as connectSocket } from "node:net";
import { pathToFileURL } from "node:url";
import process from "node:process";

// Part of Node.js from version 22 on.
Promise.withResolvers ??= function () {
  const it = {};
  it.promise = new this((resolve, reject) =>
    Object.assign(it, { resolve, reject })
  );
  return it;
};

/** A stream of bytes over a socket, which is read when it is asked. */
class SocketStream {
  #socket;
  #error;
  #wake = () => {};

  constructor(socket) {
    this.#socket = socket;
    for (const event of ["readable", "end", "close"]) {
      socket.on(event, () => this.#wake());
    }
    socket.on("error", (error) => {
      this.#error = error;
      this.#wake();
    });
  }

  async read(into) {
    for (;;) {
      const length = Math.min(this.#socket.readableLength, into.length);
      const bytes = length > 0 ? this.#socket.read(length) : null;
      if (bytes !== null) {
        into.set(bytes);
        return bytes.length;
      }
      if (this.#error) throw this.#error;
      if (this.#socket.readableEnded || this.#socket.destroyed) return null;
      const readable = new Promise((resolve) => this.#wake = resolve);
      this.#socket.read(0);
      await readable;
    }
  }

  write(bytes) {
    return new Promise((resolve, reject) =>
      this.#socket.write(bytes, (error) => error ? reject(error) : resolve())
    );
  }

  close() {
    this.#socket.destroy();
  }
}

function dial({ hostname, port }, signal) {
  const socket = connectSocket({ host: hostname, port, noDelay: true, signal });
  return new Promise((resolve, reject) => {
    socket.once("connect", () => resolve(new SocketStream(socket)));
    socket.once("error", reject);
  });
}

const [bundle, url] = process.argv.slice(2);
const { connect, RpcError } = await import(pathToFileURL(bundle).href);

const rpc = await connect(url, { dial });
const server = await rpc.serve("double", (request) => {
  const n = request.json();
  if (typeof n !== "number") {
    throw new RpcError("invalid_argument", "no number");
  }
  return 2 * n;
});
const replies = await Promise.all(
  Array.from({ length: 100 }, (_, n) => rpc.call("double", JSON.stringify(n))),
);
console.log(replies.reduce((sum, reply) => sum + reply.json(), 0));
const large = "x".repeat(1_000_000);
await server.stop();
const echo = await rpc.serve("echo", (request) => request.text());
const reply = await rpc.call("echo", large);
console.log(reply.text() === large);
await rpc.call("nowhere", "", { timeoutMs: 5_000 })
  .catch(({ code, reason }) => console.log(code, reason));
await echo.stop();
await rpc.close();
const error = await connect("amqp://127.0.0.1:1", { dial }).catch((it) => it);
console.log(error.message);
