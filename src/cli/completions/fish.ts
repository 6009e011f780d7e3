/**
 * Completion for fish.
 *
 * @module
 */
import { type CommandShape, type FlagShape, OWN_FLAGS } from "./shape.ts";

const COMPLETE = "complete -c rabbit-rpc";

/** The script. */
export function fishScript(commands: CommandShape[]): string {
  const own = OWN_FLAGS.map((flag) => `-l ${flag.slice(2)}`);
  return `# Completion of rabbit-rpc for fish.
function __rabbit_rpc_is
    set -l words (commandline -opc)
    test "$words[2]" = "$argv[1]"
end

${COMPLETE} -f
${own.map((flag) => `${COMPLETE} -n "__rabbit_rpc_is ''" ${flag}`).join("\n")}
${commands.flatMap(commandLines).join("\n")}`;
}

function commandLines(command: CommandShape): string[] {
  const { name, summary, flags, choices } = command;
  const inside = `${COMPLETE} -n '__rabbit_rpc_is ${name}'`;
  const first = `${COMPLETE} -n "__rabbit_rpc_is ''" -a ${name}`;
  return [
    `${first} -d ${quoted(summary)}`,
    ...(choices.length > 0
      ? [`${inside} -a ${quoted(choices.join(" "))}`]
      : []),
    ...flags.map((flag) => `${inside} ${flagArguments(flag)}`),
  ];
}

function flagArguments({ long, short, description, value }: FlagShape): string {
  return [
    ...(short === undefined ? [] : [`-s ${short.slice(1)}`]),
    `-l ${long.slice(2)}`,
    ...(value === undefined ? [] : [value.isFile ? "-r -F" : "-x"]),
    ...(value?.choices.length ? [`-a ${quoted(value.choices.join(" "))}`] : []),
    `-d ${quoted(description)}`,
  ].join(" ");
}

function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, "\\$&")}'`;
}
