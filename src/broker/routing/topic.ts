/**
 * Topic patterns, in a tree of words: "*" is one word, "#" any number of
 * them, none included. A routing key is matched by following all branches a
 * word at a time, so that patterns full of "#" cost no more than others.
 */
import { AmqpError } from "../../amqp091/errors.ts";

interface Node<T> {
  readonly children: Map<string, Node<T>>;
  /** Whether this node stands for "#", and so stays for any further word. */
  readonly hash: boolean;
  /** How many bindings end here for each value. */
  readonly values: Map<T, number>;
}

function newNode<T>(word: string): Node<T> {
  return { children: new Map(), hash: word === "#", values: new Map() };
}

/** An empty key has no words; "a." has two, the second empty. */
function words(key: string): string[] {
  return key === "" ? [] : key.split(".");
}

/** @throws {AmqpError} 406 for a pattern with more "#" than that */
export function checkPattern(pattern: string, maxHashes: number): void {
  const count = words(pattern).filter((word) => word === "#").length;
  if (count <= maxHashes) return;
  throw new AmqpError(
    "PRECONDITION_FAILED",
    `Topic binding key '${pattern}' uses ${count} '#' wildcards, at most ${maxHashes} are allowed`,
  );
}

/** Values under topic patterns. */
export class TopicTree<T> {
  readonly #root: Node<T> = newNode("");

  /** Adds a value; adding it again needs removing it again. */
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

/** Enters a node, and its "#", which needs no word. */
function enter<T>(nodes: Set<Node<T>>, node: Node<T> | undefined): void {
  while (node !== undefined && !nodes.has(node)) {
    nodes.add(node);
    node = node.children.get("#");
  }
}
