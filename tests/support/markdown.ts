// What tests read in Markdown: headings, links, and commands for a shell.

/** A file, its path relative to the repository. */
export interface Document {
  path: string;
  text: string;
}

const FENCED = /^```(\w*)\n([^]*?)^```$/gm;
const INLINE = /`([^`\n]+(?:\n[^`\n]+)?)`/g;
const LINK = /\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^)\s]+)\)/g;

/** The text outside of code blocks. */
export function prose(text: string): string {
  return text.replace(FENCED, "");
}

/** Where links lead: paths, anchors and URLs as they are written. */
export function links(text: string): string[] {
  const found = prose(text).replace(INLINE, "").matchAll(LINK);
  return [...found].map(([, target]) => target!);
}

/** What a `#` in a link may name: the headings, as GitHub makes anchors. */
export function anchors(text: string): Set<string> {
  const found = new Set<string>();
  for (const [, heading] of prose(text).matchAll(/^#{1,6} (.+)$/gm)) {
    const anchor = heading!.toLowerCase()
      .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
      .replace(/[^\p{L}\p{N}\p{M} _-]/gu, "").replaceAll(" ", "-");
    let unique = anchor;
    for (let n = 1; found.has(unique); n++) unique = `${anchor}-${n}`;
    found.add(unique);
  }
  return found;
}

/** Code in sentences, on one line each. */
export function inlineCode(text: string): string[] {
  const found = prose(text).matchAll(INLINE);
  return [...found].map(([, code]) => code!.replace("\n", " "));
}

/** What is typed after a `$` in console blocks, on one line each. */
export function typedCommands(text: string): string[] {
  const blocks = [...text.matchAll(FENCED)]
    .filter(([, language]) => language === "console");
  return blocks.flatMap(([, , block]) => {
    const lines = block!.replace(/\\\n */g, "").replace(/([|&])\n */g, "$1 ");
    return [...lines.matchAll(/^\$ (.*)$/gm)].map(([, line]) => line!);
  });
}

const OPERATOR = /^[|&;()<>]+$/;
const WORD_OR_OPERATOR =
  /(?:"(?:\\.|[^"\\])*"|'[^']*'|\\.|[^\s"'\\|&;()<>])+|[|&;()<>]+/g;

/** The words of each simple command in a line for a shell, without quotes. */
export function simpleCommands(line: string): string[][] {
  const commands: string[][] = [[]];
  for (const [token] of line.matchAll(WORD_OR_OPERATOR)) {
    if (OPERATOR.test(token)) commands.push([]);
    else commands.at(-1)!.push(token.replaceAll(/["']/g, ""));
  }
  return commands.filter((words) => words.length > 0);
}
