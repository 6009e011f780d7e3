/**
 * Completion for zsh.
 *
 * @module
 */
import { type CommandShape, type FlagShape, namesOf } from "./shape.ts";

/** The script, for a file in `fpath` or to be sourced. */
export function zshScript(commands: CommandShape[]): string {
  return `#compdef rabbit-rpc
# Completion of rabbit-rpc for zsh.
_rabbit-rpc() {
  local curcontext="$curcontext" state line
  typeset -A opt_args
  _arguments -C \\
    '(- *)'{-h,--help}'[print this help and exit]' \\
    '(- *)'{-V,--version}'[print the version and exit]' \\
    '1: :->command' '*:: :->arguments'
  case $state in
    command)
      local -a commands=(
${commands.map(commandItem).join("\n")}
      )
      _describe -t commands command commands ;;
    arguments)
      case $words[1] in
${commands.map(commandCase).join("\n")}
      esac ;;
  esac
}

if [[ $funcstack[1] == _rabbit-rpc ]]; then
  _rabbit-rpc "$@"
else
  compdef _rabbit-rpc rabbit-rpc
fi`;
}

function commandItem({ name, summary }: CommandShape): string {
  return `        ${quoted(`${name}:${summary}`)}`;
}

function commandCase({ name, flags, choices }: CommandShape): string {
  const first = choices.length > 0 ? [`'1: :(${choices.join(" ")})'`] : [];
  // Without the last spec, no flag is completed after an argument.
  const specs = [...flags.map(flagSpec), ...first, "'*: :_nothing'"];
  const lines = specs.map((spec) => `            ${spec}`);
  return `        ${name})\n          _arguments -s -S \\\n${
    lines.join(" \\\n")
  } ;;`;
}

/** `*` allows repetition; `+` and `=` allow `-c4` and `--concurrency=4`. */
function flagSpec(flag: FlagShape): string {
  const { short, long, value, description } = flag;
  const names = value === undefined
    ? namesOf(flag)
    : [...(short === undefined ? [] : [`${short}+`]), `${long}=`];
  const all = names.length > 1 ? `{${names.join(",")}}` : names[0]!;
  const text = `[${description.replace(/[[\]:\\]/g, "\\$&")}]`;
  return `'*'${all}${quoted(text + (value ? `: :${actionOf(value)}` : ""))}`;
}

function actionOf(
  { isFile, choices }: NonNullable<FlagShape["value"]>,
): string {
  if (isFile) return "_files";
  return choices.length > 0 ? `(${choices.join(" ")})` : "_nothing";
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
