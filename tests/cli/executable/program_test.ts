// Tests of src/cli/executable/program.ts, on scripts of their own. The real one
// is tried as a whole, by the tests that RABBIT_RPC_BIN is set for.

import assert from "node:assert/strict";
import { Program } from "../../../src/cli/executable/program.ts";

/** As a bundle is: a function that is given `require`. */
function scriptOf(body: string): string {
  return `(function (require) { ${body} })`;
}

const ECHO = scriptOf(
  "return { main: async (args) => require('node:path').join(...args).length };",
);

Deno.test("a program gets its arguments, and its status is the result", async () => {
  assert.equal(await new Program(ECHO).run(["a", "bc"]), 4);
});

Deno.test("what was compiled runs as its source does", async () => {
  const recorded = new Program(ECHO);
  await recorded.run(["a"]);
  const program = new Program(ECHO, recorded.codeCache());
  assert.equal(program.isCacheRejected, false);
  assert.equal(await program.run(["a", "b"]), 3);
});

const DAMAGED: [string, (code: Uint8Array) => Uint8Array][] = [
  ["is cut off", (code) => code.slice(0, code.length / 2)],
  ["is empty", () => new Uint8Array()],
  ["is of another version", (code) => code.map((byte, n) => n < 16 ? 7 : byte)],
];
for (const [name, damage] of DAMAGED) {
  Deno.test(`code that ${name} is not taken, and not missed`, async () => {
    // Of its own: V8 has what it compiled before at hand.
    const source = `${ECHO} // ${name}`;
    const other = new Program(`${ECHO} // ${"x".repeat(name.length)}`);
    const program = new Program(source, damage(other.codeCache()));
    assert.equal(program.isCacheRejected, true);
    assert.equal(await program.run(["abc"]), 3);
  });
}

Deno.test("a program can import what users name", async () => {
  const program = new Program(scriptOf(
    "return { main: async ([url]) => (await import(url)).default };",
  ));
  const url = "data:application/javascript,export default 7;";
  assert.equal(await program.run([url]), 7);
});
