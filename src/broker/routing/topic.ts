/**
 * Topic patterns, in a tree of words: "*" stands for one word, "#" for any
 * number of words, even none. A routing key follows all matching branches at
 * once, word by word, so that patterns full of "#" cost no more than others.
 */
import { AmqpError } from "../../amqp091/errors.ts";

interface Node<T> {
  readonly children: Map<string, Node<T>>;
  /** Whether this node is "#", which matches any further word as well. */
  readonly hash: boolean;
  /** How many patterns end here, for each value. */
  readonly values: Map<T, number>;
}

function newNode<T>(word: string): Node<T> {
  return { children: new Map(), hash: word === "#", values: new Map() };
}

/** The words of a key: none if it is empty; "a." has two, the second empty. */
function words(key: string): string[] {
  return key === "" ? [] : key.split(".");
}

/** @throws {AmqpError} 406 for a pattern with more "#" than `maxHashes`. */
export function checkPattern(pattern: string, maxHashes: number): void {
  const count = words(pattern).filter((word) => word === "#").length;
  if (count <= maxHashes) return;
  throw new AmqpError(
    "PRECONDITION_FAILED",
    `Topic binding key '${pattern}' uses ${count} '#' wildcards, at most ${maxHashes} are allowed`,
  );
}

/** Values, found by topic patterns. */
export class TopicTree<T> {
  readonly #root: Node<T> = newNode("");

  /** Adds a value; one that is added twice must be removed twice. */
  add(pattern: string, value: T): void {
    let node = this.#root;
    for (const word of words(pattern)) {
      let child = node.children.get(word);
      if (child === undefined) {
        child = newNode(word);
        node.children.set(word, child);
      }
      node = child;
    }
    node.values.set(value, (node.values.get(value) ?? 0) + 1);
  }

  /** Undoes one `add`. */
  remove(pattern: string, value: T): void {
    const path = [this.#root];
    const keys = words(pattern);
    for (const word of keys) {
      const child = path[path.length - 1].children.get(word);
      if (child === undefined) return;
      path.push(child);
    }
    const { values } = path[path.length - 1];
    const count = values.get(value) ?? 0;
    if (count > 1) values.set(value, count - 1);
    else values.delete(value);
    for (let i = keys.length; i > 0; i--) {
      if (path[i].values.size > 0 || path[i].children.size > 0) return;
      path[i - 1].children.delete(keys[i - 1]);
    }
  }

  /** Adds every value whose pattern matches to `found`. */
  match(key: string, found: Set<T>): void {
    let current = new Set<Node<T>>();
    enter(current, this.#root);
    for (const word of words(key)) {
      const next = new Set<Node<T>>();
      for (const node of current) {
        if (node.hash) enter(next, node);
        enter(next, node.children.get(word));
        enter(next, node.children.get("*"));
      }
      current = next;
    }
    for (const node of current) {
      for (const value of node.values.keys()) found.add(value);
    }
  }
}

/** Adds a node, and its child "#", which matches without another word. */
function enter<T>(nodes: Set<Node<T>>, node: Node<T> | undefined): void {
  while (node !== undefined && !nodes.has(node)) {
    nodes.add(node);
    node = node.children.get("#");
  }
}
