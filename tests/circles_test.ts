// No circles: neither between files, types included, nor between folders side
// by side. (A folder may use what is beside it, and be used by that.)

import assert from "node:assert/strict";
import { dirname, join } from "node:path/posix";

/** What each file, or folder, imports. */
type Graph = Map<string, Set<string>>;

/** Relative imports and re-exports; examples in comments import a package. */
const IMPORT = /^(?:import|export|\})[^;"]*"(\.[^"]+)";/gm;
/** Where there are circles yet. */
const EXEMPT = /^src\/broker\//;

function add(graph: Graph, from: string, to: string): void {
  const targets = graph.get(from) ?? new Set();
  graph.set(from, targets.add(to));
}

/** One circle of the graph, by its nodes; undefined where there is none. */
function circle(graph: Graph): string[] | undefined {
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (node: string): string[] | undefined => {
    const start = path.indexOf(node);
    if (start >= 0) return [...path.slice(start), node];
    if (done.has(node)) return undefined;
    path.push(node);
    for (const next of graph.get(node) ?? []) {
      const found = visit(next);
      if (found) return found;
    }
    path.pop();
    done.add(node);
  };
  for (const node of graph.keys()) {
    const found = visit(node);
    if (found) return found;
  }
}

/** Folders that lie side by side somewhere, of which one imports the other. */
function folders(files: Graph): Graph {
  const graph: Graph = new Map();
  for (const [file, targets] of files) {
    for (const target of targets) {
      const from = dirname(file).split("/");
      const to = dirname(target).split("/");
      const fork = from.findIndex((name, index) => name !== to[index]);
      if (fork < 0 || to[fork] === undefined) continue;
      add(
        graph,
        from.slice(0, fork + 1).join("/"),
        to.slice(0, fork + 1).join("/"),
      );
    }
  }
  return graph;
}

async function readImports(folder: string, graph: Graph): Promise<Graph> {
  const root = new URL("../", import.meta.url);
  for await (
    const { name, isDirectory } of Deno.readDir(new URL(folder, root))
  ) {
    const path = `${folder}${name}`;
    if (isDirectory) await readImports(`${path}/`, graph);
    else if (path.endsWith(".ts") && !EXEMPT.test(path)) {
      const text = await Deno.readTextFile(new URL(path, root));
      for (const [, specifier] of text.matchAll(IMPORT)) {
        add(graph, path, join(dirname(path), specifier));
      }
    }
  }
  return graph;
}

function graphOf(...edges: [string, string][]): Graph {
  const graph: Graph = new Map();
  for (const [from, to] of edges) add(graph, from, to);
  return graph;
}

Deno.test("the checker finds circles", () => {
  assert.deepEqual(
    circle(graphOf(["a/x", "a/y"], ["a/y", "a/z"], ["a/z", "a/y"])),
    ["a/y", "a/z", "a/y"],
  );
  const around = graphOf(["s/a/x", "s/b/x"], ["s/b/y", "s/c/x"], [
    "s/c/y",
    "s/a/y",
  ]);
  assert.equal(circle(around), undefined);
  assert.deepEqual(circle(folders(around)), ["s/a", "s/b", "s/c", "s/a"]);
});

Deno.test("the checker allows what is no circle", () => {
  const tree = graphOf(["s/a/x", "s/y"], ["s/z", "s/a/x"], ["s/z", "s/y"]);
  assert.equal(circle(tree), undefined);
  assert.equal(circle(folders(tree)), undefined);
});

Deno.test("there are no circles in the program", async () => {
  const files = await readImports("src/", new Map());
  assert.ok(files.get("src/mod.ts")!.has("src/rpc/connection.ts"));
  assert.equal(circle(files), undefined);
  assert.equal(circle(folders(files)), undefined);
});
