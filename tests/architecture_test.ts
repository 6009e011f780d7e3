// Holds the rules on who imports whom, and where the program touches its
// surroundings. The checker is tested on bad samples first.

import { circles, type Imports } from "./support/circles.ts";
import { test } from "./support/needs.ts";
import assert from "node:assert/strict";
import { dirname, join } from "node:path/posix";

/** A source file, its path relative to the repository. */
interface Source {
  path: string;
  text: string;
}

/** What each layer may import of the others. */
const LAYERS: Record<string, readonly string[]> = {
  "main.ts": ["cli"],
  cli: ["procedures", "broker", "telemetry", "amqp", "rpc", "async"],
  "mod.ts": ["amqp", "rpc"],
  "transport.ts": ["amqp", "rpc"],
  procedures: ["rpc", "async"],
  telemetry: ["rpc", "async"],
  amqp: ["amqp091", "rpc", "async"],
  broker: ["amqp091", "async"],
  amqp091: [],
  rpc: ["async"],
  async: [],
};

const OPENTELEMETRY = "@opentelemetry/";
/** Small; the SDK behind it is loaded by those who ask for it. */
const OPENTELEMETRY_API = "@opentelemetry/api";
/** Types alone: nothing of it is loaded. */
const STANDARD_SCHEMA = "@standard-schema/spec";
const MAX_LINES = 300;

/** The parts of the broker, each with those of them that it may import. */
const BROKER: Record<string, readonly string[]> = {
  testing: ["connection", "routing"],
  connection: ["routing"],
  routing: [],
};

/** Deadlines don't hang on a clock that can be set; see src/async/clock.ts. */
const WALL_CLOCK = /\bDate\s*\.\s*now\b/;
const MAY_READ_WALL_CLOCK = [
  "src/async/clock.ts",
  "src/broker/routing/dead_letter.ts",
];
/** What only the command line may touch. */
const SURROUNDINGS = /\b(?:Deno\s*\.\s*(?:exit|args|env)|console)\b/g;
/** What other runtimes don't have; the library runs there with their streams. */
const DENO = /\bDeno\s*[.[]|=\s*Deno\b/;
const MAY_USE_DENO =
  /^(?:main\.ts|src\/(?:cli|procedures|broker(?!\/routing)|amqp\/streams)\/)/;

/** Comments, and text in quotes: whichever begins first is one. */
const COMMENT_OR_TEXT =
  /\/\*[^]*?\*\/|\/\/.*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\[^]|[^`\\])*`/g;

/** A flag of the command line, which a remote caller has never heard of. */
const FLAG = /(?<![\w-])--[a-z]/;

function isComment(match: string): boolean {
  return match.startsWith("//") || match.startsWith("/*");
}

/** Code and quoted text; what may quote code itself, templates too, is gone. */
function withoutComments(text: string): string {
  return text.replace(COMMENT_OR_TEXT, (it) => {
    const quotes = it.slice(1, -1).match(/["'`]/);
    return isComment(it) || it.startsWith("`") || quotes ? " " : it;
  });
}

/** Code alone; of template literals the expressions stay. */
function withoutTexts(text: string): string {
  return text.replace(COMMENT_OR_TEXT, (it) => {
    if (isComment(it) || !it.startsWith("`")) return " ";
    return (it.match(/\$\{[^]*?\}/g) ?? []).join(" ");
  });
}

/** `from "x"`, `import "x"` and `import("x")`. */
const IMPORT = /(?:\bfrom|\bimport|\bimport\s*\()\s*(["'])([^"']+)\1/g;
/** Those of them that are loaded with the file. */
const STATIC_IMPORT = /(?:\bfrom|\bimport)\s*(["'])([^"']+)\1/g;
/** The script of a worker. */
const SCRIPT = /\bnew\s+URL\s*\(\s*(["'])([^"']+)\1\s*,\s*import\s*\.\s*meta/g;

function specifiers(text: string, pattern: RegExp): string[] {
  const found = [...withoutComments(text).matchAll(pattern)];
  return found.map(([, , specifier]) => specifier);
}

function imports({ path, text }: Source): string[] {
  const found = specifiers(text, IMPORT);
  // The command line starts whole programs by their path.
  if (layerOf(path) === "cli") return found;
  return [...found, ...specifiers(text, SCRIPT)];
}

/** The layer of a path: a folder or a file of src/, or `main.ts`. */
function layerOf(path: string): string {
  return path.replace(/^src\//, "").split("/")[0];
}

function importProblem(source: Source, specifier: string): string | undefined {
  const layer = layerOf(source.path);
  const what = `${source.path} imports ${specifier}`;
  if (specifier.startsWith("node:")) return;
  if (!specifier.startsWith(".")) {
    if (/^(?:jsr:|https?:|npm:)/.test(specifier)) {
      return `${what}, which is not by way of deno.json`;
    }
    if (layer === "rpc" && specifier === STANDARD_SCHEMA) return;
    if (["rpc", "amqp", "amqp091"].includes(layer)) {
      return `${what}, but ${layer} needs no package`;
    }
    if (layer !== "telemetry" && specifier.startsWith(OPENTELEMETRY)) {
      return `${what}, which is for telemetry alone`;
    }
    return;
  }
  const target = join(dirname(source.path), specifier);
  const [part, otherPart] = [source.path, target].map(brokerPart);
  if (part && otherPart && part !== otherPart) {
    if (BROKER[part]?.includes(otherPart)) return;
    return `${what}, but ${part} may not`;
  }
  // Data, as deno.json for the version, belongs to no layer.
  if (target.endsWith(".json") && layer !== "rpc") return;
  const other = layerOf(target);
  if (target !== "main.ts" && !target.startsWith("src/")) {
    return `${what}, which is not part of the program`;
  }
  if (other === layer && layer !== "main.ts") return;
  if (!LAYERS[layer]) return `${source.path} is in no known layer`;
  if (LAYERS[layer].includes(other)) return;
  return `${what}, but ${layer} may import ${
    LAYERS[layer].join(", ") || "none"
  } only`;
}

/** The folder of the broker that a path is in. */
function brokerPart(path: string): string | undefined {
  return path.match(/^src\/broker\/([^/]+)\//)?.[1];
}

/** Who imports whom, types included. */
function importGraph(sources: Source[]): Imports {
  return new Map(sources.map((source) => [
    source.path,
    imports(source)
      .filter((specifier) => /^\.\.?\/.*\.ts$/.test(specifier))
      .map((specifier) => join(dirname(source.path), specifier)),
  ]));
}

/** Everything in which a file breaks the rules. */
function problems(source: Source): string[] {
  const { path, text } = source;
  const found = imports(source).map((it) => importProblem(source, it));
  for (const specifier of specifiers(text, STATIC_IMPORT)) {
    if (!specifier.startsWith(OPENTELEMETRY)) continue;
    if (specifier === OPENTELEMETRY_API) continue;
    found.push(`${path} loads ${specifier} before it is asked for`);
  }
  const lines = text.trimEnd().split("\n").length;
  if (lines > MAX_LINES) found.push(`${path} has ${lines} lines`);
  if (WALL_CLOCK.test(withoutTexts(text))) {
    if (!MAY_READ_WALL_CLOCK.includes(path)) {
      found.push(`${path} uses Date.now`);
    }
  }
  // What is for the command line alone is told below.
  if (!MAY_USE_DENO.test(path)) {
    const code = withoutTexts(text).replace(SURROUNDINGS, "");
    if (DENO.test(code)) found.push(`${path} uses Deno`);
  }
  if (!["main.ts", "cli"].includes(layerOf(path))) {
    for (const [name] of withoutTexts(text).matchAll(SURROUNDINGS)) {
      found.push(`${path} uses ${name}, which is for cli alone`);
    }
  }
  if (!["main.ts", "cli"].includes(layerOf(path))) {
    for (const [literal] of text.matchAll(COMMENT_OR_TEXT)) {
      if (isComment(literal) || !FLAG.test(literal)) continue;
      found.push(`${path} names a flag: ${literal}`);
    }
  }
  return found.filter((problem) => problem !== undefined);
}

const bad: [string, string, string][] = [
  ["src/rpc/a.ts", 'import { B } from "../amqp/b.ts";', "rpc up to amqp"],
  ["src/rpc/a.ts", 'import type { B } from "../amqp/b.ts";', "types too"],
  ["src/rpc/a.ts", 'import fc from "fast-check";', "a package in rpc"],
  ["src/amqp/a.ts", 'import fc from "fast-check";', "a package in amqp"],
  ["src/amqp091/a.ts", 'import "../rpc/b.ts";', "anything in amqp091"],
  ["src/rpc/a.ts", 'import "../amqp091/b.ts";', "amqp091 in rpc"],
  ["src/rpc/a.ts", 'import {\n  A,\n  B,\n} from "x";', "over lines"],
  ["src/rpc/a.ts", 'await import("../cli/b.ts");', "a dynamic import"],
  ["src/rpc/a.ts", "import '../amqp/b.ts';", "for its side effects"],
  ["src/amqp/a.ts", 'export * from "../procedures/b.ts";', "a re-export"],
  ["src/amqp/a.ts", 'import "../mod.ts";', "mod.ts from inside"],
  ["src/cli/a.ts", 'import "../mod.ts";', "mod.ts from cli"],
  ["src/cli/a.ts", 'import "../../main.ts";', "main.ts"],
  ["src/procedures/a.ts", 'import "../amqp/b.ts";', "amqp in procedures"],
  ["src/rpc/a.ts", 'import "../telemetry/b.ts";', "telemetry in rpc"],
  ["src/cli/a.ts", 'await import("@opentelemetry/api");', "its API in cli"],
  [
    "src/telemetry/a.ts",
    'import { b } from "@opentelemetry/sdk-trace";',
    "an SDK that is loaded at once",
  ],
  [
    "src/procedures/a.ts",
    'new Worker(new URL("../cli/b.ts", import.meta.url));',
    "a worker of another layer",
  ],
  ["src/broker/a.ts", 'import "../rpc/b.ts";', "anything in broker"],
  ["src/mod.ts", 'export * from "./cli/main.ts";', "cli by mod.ts"],
  ["main.ts", 'import "./src/mod.ts";', "mod.ts by main.ts"],
  ["src/cli/a.ts", 'import "../../tests/support/b.ts";', "tests"],
  ["src/new/a.ts", 'import "../rpc/b.ts";', "a layer without rules"],
  ["src/cli/a.ts", 'import "jsr:@std/cli";', "jsr"],
  ["src/cli/a.ts", 'import "https://x.org/y.ts";', "https"],
  ["src/rpc/a.ts", 'import "../../deno.json" with {};', "deno.json in rpc"],
  ["src/amqp/a.ts", "Deno.exit(1);", "exit"],
  ["src/rpc/a.ts", "const { length } = Deno.args;", "args"],
  ["src/rpc/a.ts", 'Deno\n  .env.get("X");', "env"],
  ["src/procedures/a.ts", 'console.log("x");', "console"],
  ["src/rpc/a.ts", 'const a = "//"; console.log(a);', "after a text"],
  ["src/rpc/a.ts", "const a = `${console.log(1)}`;", "in a template"],
  ["src/amqp/a.ts", "await Deno.connect(b);", "Deno in amqp"],
  ["src/rpc/a.ts", "const { build } = Deno;", "Deno in rpc"],
  ["src/telemetry/a.ts", 'Deno["version"];', "Deno in telemetry"],
  ["src/broker/routing/a.ts", "Deno.listen(b);", "Deno in routing"],
  ["src/cli/a.ts", "const due = Date.now() + 5;", "the wall clock"],
  ["src/rpc/a.ts", 'a("the limit is 3 (--max-body)");', "a flag"],
  ["src/amqp/a.ts", "a(`use --${b} or --wait`);", "a flag in a template"],
  ["src/rpc/a.ts", "a();\n".repeat(301), "too many lines"],
  [
    "src/broker/routing/a.ts",
    'import type { B } from "../connection/b.ts";',
    "a connection in routing",
  ],
  [
    "src/broker/connection/a.ts",
    'import type { B } from "../testing/b.ts";',
    "testing in a connection",
  ],
];

for (const [path, text, what] of bad) {
  test(`the checker finds: ${what}`, () => {
    assert.equal(problems({ path, text }).length, 1, text.slice(0, 100));
  });
}

const good: [string, string, string][] = [
  ["src/rpc/a.ts", 'import { b } from "./b.ts";', "the same layer"],
  ["src/rpc/a.ts", 'import { setTimeout } from "node:timers";', "node"],
  ["src/rpc/a.ts", `import type { A } from "${STANDARD_SCHEMA}";`, "its types"],
  ["src/amqp/a.ts", 'import type { B } from "../rpc/b.ts";', "rpc"],
  ["src/amqp/a.ts", 'import { f } from "../amqp091/b.ts";', "the codec"],
  ["src/broker/a.ts", 'import { f } from "../amqp091/b.ts";', "and there"],
  ["src/amqp/streams/a.ts", "await Deno.connect(b);", "Deno in a stream"],
  ["src/procedures/a.ts", "new Deno.Command(b);", "Deno in procedures"],
  ["src/telemetry/a.ts", 'import { a } from "@opentelemetry/api";', "an API"],
  [
    "src/telemetry/a.ts",
    'await import("@opentelemetry/sdk-trace");',
    "an SDK that is loaded when it is asked for",
  ],
  ["src/mod.ts", 'export { b } from "./amqp/b.ts";', "mod.ts"],
  ["src/cli/a.ts", 'import "../procedures/b.ts"; Deno.exit(1);', "cli"],
  ["main.ts", 'import "./src/cli/main.ts"; Deno.args;', "main.ts"],
  ["src/rpc/a.ts", '/** import "fast-check"; console.log() */', "a comment"],
  ["src/rpc/a.ts", "a(); // Deno.exit(1)", "a line's comment"],
  ["src/rpc/a.ts", 'a("Deno.exit, console");', "a text"],
  ["src/rpc/a.ts", "a(`console ${b}`);", "a template's text"],
  ["src/rpc/a.ts", 'a(`no reply from "${b}"`);', "no import in a template"],
  ["src/rpc/a.ts", "a('from \"b\"');", "no import in a text"],
  ["src/cli/a.ts", 'new URL("../../main.ts", import.meta.url);', "a start"],
  ["src/cli/a.ts", 'import c from "../../deno.json" with {};', "deno.json"],
  ["src/cli/a.ts", 'a("Use --wait.");', "a flag in cli"],
  ["src/rpc/a.ts", "i--; /* --wait */ a('a -- b'); // --flag", "no flag"],
  ["src/rpc/a.ts", "a();\n".repeat(300), "300 lines"],
  ["src/broker/connection/a.ts", 'import "../routing/b.ts";', "routing"],
  ["src/broker/connection/a.ts", 'import "../options.ts";', "options"],
];

for (const [path, text, what] of good) {
  test(`the checker allows: ${what}`, () => {
    assert.deepEqual(problems({ path, text }), []);
  });
}

/** Files and what is in them, and the circles to find. */
const inCircles: [Record<string, string>, string[][], string][] = [
  [
    {
      "src/rpc/a.ts": 'import { b } from "./b.ts";',
      "src/rpc/b.ts": 'import { a } from "./a.ts";',
    },
    [["src/rpc/a.ts", "src/rpc/b.ts"]],
    "two files",
  ],
  [
    {
      "src/rpc/a.ts": 'import type { B } from "./b.ts";',
      "src/rpc/b.ts": 'export type { A } from "./a.ts";',
    },
    [["src/rpc/a.ts", "src/rpc/b.ts"]],
    "types alone",
  ],
  [
    { "src/rpc/a.ts": 'import { a } from "./a.ts";' },
    [["src/rpc/a.ts"]],
    "a file that imports itself",
  ],
  [
    {
      "src/cli/a.ts": 'import "./b.ts";',
      "src/cli/b.ts": 'await import("./c.ts");',
      "src/cli/c.ts": 'import "./a.ts";',
      "src/cli/d.ts": 'import "./a.ts";',
    },
    [["src/cli/a.ts", "src/cli/b.ts", "src/cli/c.ts"]],
    "three files, one of them imported later",
  ],
  [
    {
      "src/broker/x/a.ts": 'import "../y/b.ts";',
      "src/broker/x/c.ts": "",
      "src/broker/y/b.ts": "",
      "src/broker/y/d.ts": 'import "../x/c.ts";',
    },
    [["src/broker/x", "src/broker/y"]],
    "two folders, though no files",
  ],
  [
    {
      "src/rpc/a.ts": 'import "./x/b.ts";',
      "src/rpc/x/y/c.ts": 'import "../../a.ts";',
    },
    [["src/rpc/a.ts", "src/rpc/x"]],
    "a file and a folder beside it",
  ],
  [
    {
      "src/procedures/a.ts": 'new Worker(new URL("./b.ts", import.meta.url));',
      "src/procedures/b.ts": 'import "./a.ts";',
    },
    [["src/procedures/a.ts", "src/procedures/b.ts"]],
    "a worker that imports who starts it",
  ],
  [
    {
      "src/rpc/a.ts": 'import "./x/b.ts"; import "./c.ts";',
      "src/rpc/x/b.ts": 'import "../c.ts"; import "../../async/d.ts";',
      "src/rpc/x/e.ts": 'import "./b.ts"; import "../../async/f/g.ts";',
    },
    [],
    "none where files import a folder, and it others beside it",
  ],
];

for (const [files, expected, what] of inCircles) {
  test(`the checker finds circles: ${what}`, () => {
    const sources = Object.entries(files)
      .map(([path, text]) => ({ path, text }));
    assert.deepEqual(circles(importGraph(sources)), expected);
  });
}

const root = new URL("../", import.meta.url);

/** main.ts and all of src/. */
async function sources(): Promise<Source[]> {
  const paths = ["main.ts"];
  const walk = async (folder: string) => {
    for await (const entry of Deno.readDir(new URL(folder, root))) {
      const path = `${folder}${entry.name}`;
      if (entry.isDirectory) await walk(`${path}/`);
      else if (path.endsWith(".ts")) paths.push(path);
    }
  };
  await walk("src/");
  return await Promise.all(paths.map(async (path) => ({
    path,
    text: await Deno.readTextFile(new URL(path, root)),
  })));
}

/** All that may stand at the top, beside dot-files. */
const TOP_LEVEL = [
  "CHANGELOG.md",
  "LICENSE",
  "README.md",
  "deno.json",
  "deno.lock",
  "main.ts",
  "src",
  "tests",
];

/** What git keeps there; all that is there in a copy without git. */
async function topLevel(): Promise<string[]> {
  try {
    const args = ["ls-tree", "--name-only", "HEAD"];
    const command = new Deno.Command("git", { args, cwd: root });
    const { success, stdout } = await command.output();
    if (success) return new TextDecoder().decode(stdout).trim().split("\n");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return (await Array.fromAsync(Deno.readDir(root))).map(({ name }) => name);
}

test("nothing else stands at the top level", async () => {
  const names = await topLevel();
  const visible = names.filter((name) =>
    !/^\.|^(dist|node_modules)$/.test(name)
  );
  assert.deepEqual(visible.sort(), TOP_LEVEL);
});

test("the program keeps the rules", async () => {
  const all = await sources();
  // It was the program that was read, and its imports were seen.
  const ofFile = (path: string) =>
    imports(all.find((source) => source.path === path)!);
  assert.ok(ofFile("main.ts").includes("./src/cli/main.ts"));
  assert.ok(
    ofFile("src/broker/connection/client.ts").some((it) => /amqp091/.test(it)),
  );
  assert.ok(
    ofFile("src/procedures/builtin/catalog.ts").includes("./fib_worker.ts"),
  );
  assert.deepEqual(all.flatMap(problems), []);
  assert.deepEqual(circles(importGraph(all)), []);
});
