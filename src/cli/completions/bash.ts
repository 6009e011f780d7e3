/**
 * Completion for bash 3.2 and newer.
 *
 * @module
 */
import {
  type CommandShape,
  type FlagShape,
  namesOf,
  OWN_FLAGS,
} from "./shape.ts";

const HELPERS = `_rabbit_rpc_words() {
  COMPREPLY=($(compgen -W "$*" -- "$cur"))
}

_rabbit_rpc_files() {
  compopt -o default 2>/dev/null && return
  local IFS=$'\\n'
  COMPREPLY=($(compgen -f -- "$cur"))
}`;

/** The script. */
export function bashScript(commands: CommandShape[]): string {
  const names = commands.map(({ name }) => name);
  return `# Completion of rabbit-rpc for bash.
_rabbit_rpc() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]}
  local command=\${COMP_WORDS[1]} i
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    _rabbit_rpc_words ${[...names, ...OWN_FLAGS].join(" ")}
    return
  fi
  # After -- comes another command.
  for ((i = 2; i < COMP_CWORD; i++)); do
    [[ \${COMP_WORDS[i]} == -- ]] && { _rabbit_rpc_files; return; }
  done
  # bash splits --flag=value into three words.
  if [[ $cur == = ]]; then
    cur=
  elif [[ $prev == = ]]; then
    prev=\${COMP_WORDS[COMP_CWORD-2]}
  fi
  case "$command $prev" in
${commands.flatMap(valueCases).map((it) => `    ${it}`).join("\n")}
    *) _rabbit_rpc_flags ;;
  esac
}

_rabbit_rpc_flags() {
  case "$command" in
${commands.map(flagsCase).join("\n")}
  esac
}

${HELPERS}

complete -F _rabbit_rpc rabbit-rpc`;
}

/** Cases for the values of a command's flags. */
function valueCases({ name, flags }: CommandShape): string[] {
  const pattern = (flags: FlagShape[]) =>
    flags.flatMap(namesOf).map((flag) => `"${name} ${flag}"`).join("|");
  const withValue = flags.filter(({ value }) => value !== undefined);
  const chosen = withValue.filter(({ value }) => value!.choices.length > 0);
  const files = withValue.filter(({ value }) => value!.isFile);
  const open = withValue.filter((it) =>
    !chosen.includes(it) && !files.includes(it)
  );
  return [
    ...chosen.map((flag) =>
      `${pattern([flag])}) _rabbit_rpc_words ${
        flag.value!.choices.join(" ")
      } ;;`
    ),
    ...(files.length > 0 ? [`${pattern(files)}) _rabbit_rpc_files ;;`] : []),
    ...(open.length > 0 ? [`${pattern(open)}) ;;`] : []),
  ];
}

/** Completes flags, and the first argument if its choices are known. */
function flagsCase({ name, flags, choices }: CommandShape): string {
  const words = flags.flatMap(namesOf).join(" ");
  const first = choices.length > 0
    ? ` elif ((COMP_CWORD == 2)); then _rabbit_rpc_words ${choices.join(" ")};`
    : "";
  return `    ${name}) if [[ $cur == -* ]]; then _rabbit_rpc_words ${words};` +
    `${first} fi ;;`;
}
