// Checks the documentation: links lead somewhere, and commands have tasks,
// subcommands and flags that exist. The checkers are tested on samples first.

import assert from "node:assert/strict";
import { dirname, join } from "node:path/posix";
import type { Command, Option } from "commander";
import manifest from "../deno.json" with { type: "json" };
import { allSubcommands } from "../src/cli/subcommands.ts";
import { isThere } from "./support/files.ts";
import {
  anchors,
  type Document,
  inlineCode,
  links,
  simpleCommands,
  typedCommands,
} from "./support/markdown.ts";
import { permissionsMissing, test } from "./support/needs.ts";

const ROOT = `${import.meta.dirname}/../`;
const MAX_ROOT_LINES = 199;
/** Where files are that are not the repository's. */
const NOT_OURS = new Set([".git", "dist", "node_modules", "coverage"]);

async function documents(folder = ""): Promise<Document[]> {
  const found: Document[] = [];
  for await (const { name, isDirectory } of Deno.readDir(ROOT + folder)) {
    const path = folder + name;
    if (isDirectory && !NOT_OURS.has(name)) {
      found.push(...await documents(`${path}/`));
    } else if (name.endsWith(".md")) {
      found.push({ path, text: await Deno.readTextFile(ROOT + path) });
    }
  }
  return found;
}

/** What is wrong with the links of a document among others. */
function linkProblems(document: Document, all: Document[]): string[] {
  const problems: string[] = [];
  for (const link of links(document.text)) {
    if (/^[a-z]+:/.test(link)) continue;
    const [path, anchor] = link.split("#") as [string, string?];
    const target = path === ""
      ? document.path
      : join(dirname(document.path), path);
    const other = all.find((it) => it.path === target);
    if (!other && !isThere(ROOT + target)) {
      problems.push(`${document.path}: ${link} leads nowhere`);
    } else if (anchor && !(other && anchors(other.text).has(anchor))) {
      problems.push(`${document.path}: ${link} has no such heading`);
    }
  }
  return problems;
}

/** The flags of each subcommand. */
type Program = Map<string, Option[]>;

async function readProgram(): Promise<Program> {
  const { commands } = await allSubcommands();
  return new Map(commands.map((it) => [it.name(), allOptions(it)]));
}

function allOptions(command: Command): Option[] {
  return [...command.options, ...command.commands.flatMap(allOptions)];
}

/** What `deno run` and `deno compile` take. */
const OF_DENO = /^--(?:allow-|no-prompt$)/;
const OF_ALL = ["-h", "--help", "-V", "--version"];

function flagProblem(program: Program, args: string[]): string | undefined {
  const [name = "", ...words] = args;
  if (OF_ALL.includes(name)) return undefined;
  // The name of the program or of its file alone, or of any subcommand.
  if (name === "" || /^[A-Z]+$/.test(name)) return undefined;
  const options = program.get(name);
  if (options === undefined) return `there is no subcommand "${name}"`;
  for (let i = 0; i < words.length && words[i] !== "--"; i++) {
    const [flag, value] = words[i]!.split("=") as [string, string?];
    if (!/^--?[a-zA-Z]/.test(flag) || OF_ALL.includes(flag)) continue;
    const option = options.find((it) => it.long === flag || it.short === flag);
    if (option === undefined) return `${name} has no ${flag}`;
    // What follows is its value, whatever it looks like.
    if (!option.isBoolean() && !option.negate && value === undefined) i++;
  }
}

const TASKS: Record<string, { command: string }> = manifest.tasks;

/** What is wrong with the first command of these words, and those it runs. */
function commandProblem(program: Program, words: string[]): string | undefined {
  // The executable is what that makes.
  if (words.join(" ").startsWith("deno compile ")) return undefined;
  const start = words.findIndex((word) =>
    /^(?:\S*\/)?rabbit-rpc$|^main\.ts$|^task$/.test(word)
  );
  if (start < 0) return undefined;
  const args = words.slice(start + 1);
  const nested = args.includes("--") ? args.slice(args.indexOf("--") + 1) : [];
  const own = words[start] === "task"
    ? taskProblem(program, args)
    : flagProblem(program, args);
  return own ?? commandProblem(program, nested);
}

function taskProblem(
  program: Program,
  [name = "", ...args]: string[],
): string | undefined {
  if (!Object.hasOwn(TASKS, name)) return `there is no task "${name}"`;
  const [, subcommand] = / main\.ts (\S+)$/.exec(TASKS[name]!.command) ?? [];
  return subcommand && flagProblem(program, [subcommand, ...args]);
}

/** Commands to type, and those that a sentence names. */
function commandsOf(text: string): string[] {
  const named = inlineCode(text).filter((code) =>
    /^(?:rabbit-rpc|deno task) /.test(code)
  );
  return [...typedCommands(text), ...named];
}

function commandProblems(program: Program, text: string): string[] {
  return commandsOf(text).flatMap((line) =>
    simpleCommands(line)
      .map((words) => commandProblem(program, words))
      .filter((problem) => problem !== undefined)
      .map((problem) => `${line}: ${problem}`)
  );
}

// Flags come from the environment as well, which not everybody may read.
const program = permissionsMissing() === undefined
  ? await readProgram()
  : new Map<string, Option[]>();
const typed = (line: string) => "```console\n" + line + "\n```\n";

const bad: [string, string][] = [
  [typed("$ rabbit-rpc client q --no-such 1"), "a flag"],
  [typed("$ seq 3 | rabbit-rpc client q -l -x"), "a short flag in a pipe"],
  [typed("$ rabbit-rpc client q \\\n    --no-such"), "on the next line"],
  [typed("$ rabbit-rpc client q ||\n    rabbit-rpc x"), "after an operator"],
  [typed("$ rabbit-rpc clients q"), "a subcommand"],
  [typed("$ deno task nothing"), "a task"],
  [typed("$ deno task client q --no-such"), "a flag of a task"],
  [typed("$ deno run main.ts client q --no-such"), "from source"],
  [typed("$ rabbit-rpc broker -- deno task nothing"), "a command within"],
  [typed("$ docker run rabbit-rpc server q --no-such"), "in a container"],
  ["See `rabbit-rpc status\n--no-such`.", "in a sentence"],
];

for (const [text, what] of bad) {
  test(`the documentation's checker finds what does not exist: ${what}`, () => {
    assert.equal(commandProblems(program, text).length, 1, text);
  });
}

const good: [string, string][] = [
  [typed("$ rabbit-rpc client q -c 3 --no-wait --header=a:b"), "flags"],
  [typed("$ rabbit-rpc server q -- tr -d --no-such"), "of another program"],
  [typed("$ rabbit-rpc client q -H '--no-such:1'"), "a value"],
  [typed("$ rabbit-rpc client q 'a | b' > --no-such"), "a file"],
  [typed("rabbit-rpc: no queue"), "output"],
  [typed("$ deno compile -o rabbit-rpc main.ts"), "a build"],
  ["```sh\n$ rabbit-rpc nothing\n```\n", "another language"],
  ["See `rabbit-rpc --version` and `deno task test`.", "sentences"],
];

for (const [text, what] of good) {
  test(`the documentation's checker takes: ${what}`, () => {
    assert.deepEqual(commandProblems(program, text), []);
  });
}

test("the documentation's checker knows which links lead somewhere", () => {
  const text = "# `A` b: [c](d)\n# A b c\n";
  const other = { path: "src/other.md", text };
  const check = (links: string) => {
    const document = { path: "src/this.md", text: `## Here\n${links}` };
    return linkProblems(document, [document, other]).length;
  };
  assert.equal(check("[a](other.md) [b](#here) [c](other.md#a-b-c)"), 0);
  assert.equal(check("[a](other.md#a-b-c-1) [`b`](../README.md)"), 0);
  assert.equal(check("[a](https://example.org/#x) `[b](none.md)`"), 0);
  assert.equal(check("[a](none.md) [b](#there) [c](other.md#here)"), 3);
  assert.equal(check("[a\nb](../none) [c](mod.ts#here)"), 2);
});

test("all links of the documentation lead somewhere", async () => {
  const all = await documents();
  assert.ok(all.some(({ path }) => path === ".ci/README.md"));
  assert.ok(all.flatMap(({ text }) => links(text)).length > 50);
  assert.deepEqual(all.flatMap((it) => linkProblems(it, all)), []);
});

test("commands in the documentation have flags that exist", async () => {
  const all = await documents();
  assert.ok(all.flatMap(({ text }) => commandsOf(text)).length > 40);
  const problems = all.flatMap(({ path, text }) =>
    commandProblems(program, text).map((it) => `${path}: ${it}`)
  );
  assert.deepEqual(problems, []);
});

test("flags that the program's READMEs name exist", async () => {
  const flags = new Set([...program.values()].flat().map(({ long }) => long));
  const ours = (await documents()).filter(({ path }) =>
    /^(?:src\/.*)?README\.md$/.test(path)
  );
  const unknown = ours.flatMap(({ path, text }) =>
    inlineCode(text).flatMap((code) => {
      const [flag] = /^--[a-z-]+/.exec(code) ?? [];
      const isKnown = !flag || flags.has(flag) || OF_ALL.includes(flag) ||
        OF_DENO.test(flag);
      return isKnown ? [] : [`${path}: ${code}`];
    })
  );
  assert.deepEqual(unknown, []);
});

test("source files that the documentation names exist", async () => {
  const missing = (await documents()).flatMap(({ path, text }) =>
    inlineCode(text)
      .filter((code) => /^[\w.-]+\/[\w./-]+\.ts$/.test(code))
      .filter((file) =>
        ![dirname(path), "src", ""].some((folder) =>
          isThere(ROOT + join(folder, file))
        )
      ).map((file) => `${path}: ${file}`)
  );
  assert.deepEqual(missing, []);
});

test("the root README is short, and says how to run the tests", async () => {
  const text = await Deno.readTextFile(`${ROOT}README.md`);
  const lines = text.trimEnd().split("\n").length;
  assert.ok(lines <= MAX_ROOT_LINES, `README.md has ${lines} lines`);
  assert.ok(typedCommands(text).includes("deno task test"));
});
