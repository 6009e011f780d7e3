// Finds circles in who imports whom, between files and between folders.

/** Files by their paths, each with the paths of those that it imports. */
export type Imports = ReadonlyMap<string, readonly string[]>;

/** What is in a folder, files and folders, each with those it depends on. */
type Graph = Map<string, Set<string>>;

/**
 * Circles, each as the paths of its members. Everything in a folder is looked
 * at side by side: a folder depends on what any file below it imports. So a
 * file may import a folder beside it, and that folder another file beside it,
 * but not the same one.
 */
export function circles(imports: Imports): string[][] {
  return [...graphs(imports).values()].flatMap(stronglyConnected);
}

function graphs(imports: Imports): Map<string, Graph> {
  const byFolder = new Map<string, Graph>();
  for (const [path, targets] of imports) {
    for (const target of targets) {
      const [folder, from, to] = fork(path, target);
      const graph = byFolder.get(folder) ?? new Map();
      byFolder.set(folder, graph);
      graph.set(from, (graph.get(from) ?? new Set()).add(to));
    }
  }
  return byFolder;
}

/** The innermost folder that holds both, and what in it either belongs to. */
function fork(a: string, b: string): [string, string, string] {
  const [as, bs] = [a.split("/"), b.split("/")];
  let depth = 0;
  while (as[depth] === bs[depth] && depth < as.length - 1) depth++;
  const child = (parts: string[]) => parts.slice(0, depth + 1).join("/");
  return [as.slice(0, depth).join("/"), child(as), child(bs)];
}

/** Groups of two or more that can all be reached from one another. */
function stronglyConnected(graph: Graph): string[][] {
  const reach = new Map(
    [...graph.keys()].map((it) => [it, reached(graph, it)]),
  );
  const grouped = new Set<string>();
  const groups: string[][] = [];
  for (const [name, others] of reach) {
    if (grouped.has(name)) continue;
    const group = [...others].filter((it) => reach.get(it)?.has(name));
    // Importing itself is a circle, too.
    if (group.length === 0) continue;
    group.forEach((it) => grouped.add(it));
    groups.push(group.sort());
  }
  return groups;
}

function reached(graph: Graph, start: string): Set<string> {
  const found = new Set<string>();
  const waiting = [start];
  for (const each of waiting) {
    for (const next of graph.get(each) ?? []) {
      if (found.has(next)) continue;
      found.add(next);
      waiting.push(next);
    }
  }
  return found;
}
