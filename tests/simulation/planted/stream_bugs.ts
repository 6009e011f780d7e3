// Bugs of streams that the simulation has to find.

import type { PlantedBug } from "./plant.ts";

export const PLANTED_STREAM_BUGS: readonly PlantedBug[] = [
  {
    name: "sends more items than its caller allows",
    file: "rpc/serving/streams/outgoing_stream.ts",
    find:
      "return this.#items < this.#maxItems && this.#bytes < this.#maxBytes;",
    replace: "return this.#bytes < this.#maxBytes;",
  },
  {
    name: "sends more bytes than its caller allows",
    file: "rpc/serving/streams/outgoing_stream.ts",
    find:
      "return this.#items < this.#maxItems && this.#bytes < this.#maxBytes;",
    replace: "return this.#items < this.#maxItems;",
  },
  {
    name: "gives an item again that was sent again",
    file: "rpc/calling/streams/received_items.ts",
    find: '    if (seq < this.#next) return "not new";\n',
    replace: "",
  },
  {
    name: "goes on with a second run, whatever it gives",
    file: "rpc/calling/streams/received_items.ts",
    find: "return skipped.value === this.#digest!.value",
    replace: "return skipped.value !== undefined",
  },
  {
    name: "goes on with a second run, though nobody asked for that",
    file: "rpc/calling/streams/received_items.ts",
    find: "    if (!this.#maySkip) return ranAgain(this.#count);\n",
    replace: "",
  },
  {
    name: "takes the end of a shorter run for that of the stream",
    file: "rpc/calling/streams/received_items.ts",
    find: "    if (this.#skipped) return ranOtherwise(this.#count);\n" +
      "    if (items === this.#next)",
    replace: "    if (items === this.#next)",
  },
  {
    name: "does not tell the server of a stream that it has left",
    file: "rpc/calling/streams/pending_stream.ts",
    find: "if (!this.#isEndedByServer && this.sent) this.#cancel(this.#run);",
    replace: ";",
  },
  {
    name: "grants nothing more when its reader has read",
    file: "rpc/calling/streams/stream_credit.ts",
    find:
      "return this.#grantedItems - this.#items <= this.#shared.of(credit) / 2 ||",
    replace: "return this.#grantedItems < this.#items ||",
  },
  {
    name: "never says that a stream goes on",
    file: "rpc/serving/streams/outgoing_stream.ts",
    find:
      "    this.#requests.publish(this.replyTo, NO_BODY, properties, IGNORED);",
    replace: "void properties;",
  },
  {
    name: "waits for a server of a stream that is silent",
    file: "rpc/calling/streams/pending_stream.ts",
    find: "return isTold ? coarseDueMs(SILENCE_MS, this.#heardMs) : Infinity;",
    replace: "return isTold && false ? this.#heardMs : Infinity;",
  },
  {
    name: "goes on with a stream whose request does not come back",
    file: "rpc/serving/streams/stream_execution.ts",
    find: "? coarseDueMs(SILENCE_MS, atMs)\n",
    replace: "? Infinity\n",
  },
  {
    name: "goes on with streams whose caller is gone",
    file: "rpc/serving/streams/open_streams.ts",
    find: "for (const execution of [...executions]) execution.abort(error);",
    replace: "void error;",
  },
  {
    name: "does not send again what may be lost of a stream",
    file: "rpc/serving/streams/outgoing_stream.ts",
    find: "    this.#sent.resend(this.#port, this.replyTo);\n",
    replace: "",
  },
  {
    name: "ends a stream before its items are sent",
    file: "rpc/serving/streams/outgoing_stream.ts",
    find: "while (!this.#closed && this.#sent.count > 0) {",
    replace: "while (!this.#closed && this.#sent.count < 0) {",
  },
  {
    name: "lets the time for an item run while there are some",
    file: "rpc/calling/streams/pending_stream.ts",
    find: "const idleDueMs = this.#reader.buffer.isAwaited\n",
    replace: "const idleDueMs = this.#reader.buffer\n",
  },
  {
    name: "does not say that a run is not the first",
    file: "rpc/serving/streams/stream_execution.ts",
    find: "if (this.request.redelivered) this.stream.tellAlive();",
    replace: ";",
  },
  {
    name: "keeps the streams of a caller that have ended",
    file: "rpc/serving/streams/open_streams.ts",
    find: "    ofCaller?.delete(execution);\n",
    replace: "",
  },
];
