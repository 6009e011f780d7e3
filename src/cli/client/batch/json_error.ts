/**
 * Where a text stops being JSON. The engine names no place for many errors,
 * and its sentences differ between versions.
 *
 * @module
 */

/** Kinds of tokens: punctuation as it is, `s` a string, `v` other scalars. */
const VALUE = "{[sv";
const KEY = "s";
const FIRST_KEY = "s}";

const SPACE = /[ \t\n\r]*/y;
const SCALAR = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
// deno-lint-ignore no-control-regex -- what JSON has to escape
const UNESCAPED = /[^"\\\u0000-\u001f]+/y;
const ESCAPED = /\\(?:["\\/bfnrt]|u[\da-fA-F]{4})/y;

/** Says what is wrong in a text that is not JSON, and where. */
export function jsonError(text: string): string {
  const index = errorIndex(text);
  let column = 1;
  for (const _ of text.slice(0, index)) column++;
  const [character] = text.slice(index);
  const what = character === undefined ? "end" : JSON.stringify(character);
  return `unexpected ${what} at column ${column}`;
}

/** The first character that can't be there; the length where more is due. */
function errorIndex(text: string): number {
  const closers: string[] = [];
  let expected = VALUE;
  for (let at = 0;;) {
    at += lengthAt(SPACE, text, at);
    const { kind, length, intact } = tokenAt(text, at);
    if (!expected.includes(kind)) return at;
    at += length;
    if (!intact) return at;
    expected = afterToken(kind, expected, closers);
  }
}

interface Token {
  kind: string;
  length: number;
  /** False for a string that does not end. */
  intact: boolean;
}

function tokenAt(text: string, at: number): Token {
  const first = text[at] ?? "end";
  if ("{}[]:,".includes(first)) return { kind: first, length: 1, intact: true };
  if (first === '"') {
    const length = openStringLength(text, at);
    const intact = text[at + length] === '"';
    return { kind: "s", length: intact ? length + 1 : length, intact };
  }
  const length = lengthAt(SCALAR, text, at);
  return { kind: length > 0 ? "v" : "none", length, intact: true };
}

/**
 * Of a string without its closing quote. One pattern for all of it would
 * overflow the stack at some millions of characters.
 */
function openStringLength(text: string, start: number): number {
  let at = start + 1;
  for (let length = 1; length > 0; at += length) {
    length = lengthAt(UNESCAPED, text, at) || lengthAt(ESCAPED, text, at);
  }
  return at - start;
}

function lengthAt(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0].length ?? 0;
}

/** What may follow; `closers` holds what ends each open object and array. */
function afterToken(kind: string, expected: string, closers: string[]): string {
  switch (kind) {
    case "{":
      closers.push("}");
      return FIRST_KEY;
    case "[":
      closers.push("]");
      return `${VALUE}]`;
    case ":":
      return VALUE;
    case ",":
      return closers.at(-1) === "}" ? KEY : VALUE;
    case "}":
    case "]":
      closers.pop();
      break;
    case "s":
      if (expected === KEY || expected === FIRST_KEY) return ":";
  }
  const closer = closers.at(-1);
  return closer === undefined ? "" : `,${closer}`;
}
