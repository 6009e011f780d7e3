/**
 * `--context NAME`: applies the settings of a context to the flags that neither
 * the command line nor the environment has set.
 *
 * @module
 */
import { type Command, InvalidArgumentError, type Option } from "commander";
import { ConfigFile, type Context } from "./config_file.ts";
import { flag, variableOf } from "../flags/flag.ts";
import { Log } from "../log.ts";

/** No subcommand has this flag, since other users can see the arguments. */
const PASSWORD = flag("--password <password>", "");
/** They go only to the broker of the context. */
const CREDENTIALS = ["password", "password-file"];

/** Keys that may have several values. */
const LISTS = ["url", "header", "reply-to", "vhosts", "expect"];

/**
 * Makes each subcommand apply its context before it runs or shows its help.
 * `allSubcommands` makes a program that has all flags.
 */
export function useContexts(
  program: Command,
  allSubcommands: () => Promise<Command>,
): void {
  program.on("beforeAllHelp", ({ command }) => {
    const { context } = command.opts();
    if (context !== undefined) applyContext(command, ConfigFile.read());
  });
  program.hook("preAction", async (_, command) => {
    const { context } = command.opts();
    if (context === undefined) return;
    const file = ConfigFile.read();
    if (file.exposure) new Log(command.opts()).warn(file.exposure);
    await checkKeys(command, file, allSubcommands);
    applyContext(command, file);
  });
}

/** Allows keys that are flags of other subcommands. */
async function checkKeys(
  command: Command,
  file: ConfigFile,
  allSubcommands: () => Promise<Command>,
): Promise<void> {
  const name: string = command.opts().context;
  const keys = Object.keys(file.context(name));
  const notMine = keys.filter((key) => !knows(command, key));
  if (notMine.length === 0) return;
  const program = await allSubcommands();
  for (const key of notMine) {
    if (isKeyOfAny(program, key)) continue;
    throw file.mistake(`there is no flag --${key}`, contextTitle(name));
  }
}

/** Whether a key is a flag of any subcommand of a program. */
export function isKeyOfAny(program: Command, key: string): boolean {
  return program.commands.some((command) => knows(command, key));
}

function knows(command: Command, key: string): boolean {
  return optionFor(command, key) !== undefined;
}

/** The flag of this key. A context can't name another context. */
function optionFor(command: Command, key: string): Option | undefined {
  if (key === "context") return undefined;
  return [PASSWORD, ...command.options].find((option) => keyOf(option) === key);
}

function applyContext(command: Command, file: ConfigFile): void {
  const name: string = command.opts().context;
  const context = file.context(name);
  const keepsPassword = isPasswordSetElsewhere(command, context);
  for (const [key, value] of Object.entries(context)) {
    if (keepsPassword && CREDENTIALS.includes(key)) continue;
    const option = optionFor(command, key);
    if (option === undefined || isSet(command, option)) continue;
    try {
      const setting = parsed(option, value);
      // A switch that is off needs no setting.
      if (setting === undefined) continue;
      const attribute = option.attributeName();
      command.setOptionValueWithSource(attribute, setting, contextTitle(name));
    } catch (error) {
      if (!(error instanceof InvalidArgumentError)) throw error;
      const why = error.message.replace(/\.$/, "");
      throw file.mistake(why, contextTitle(name), key);
    }
  }
}

function contextTitle(name: string): string {
  return `context "${name}"`;
}

/** The key of a flag in the file. */
function keyOf(option: Option): string {
  return option.long!.slice(2);
}

/** Whether the command line or the environment sets it, even to "off". */
function isSet(command: Command, option: Option): boolean {
  const source = command.getOptionValueSource(option.attributeName());
  return source === "cli" || source === "env" ||
    Boolean(Deno.env.get(variableOf(option)));
}

/** Whether the context's password would go to another broker, or replace one. */
function isPasswordSetElsewhere(command: Command, context: Context): boolean {
  const keys = "url" in context ? ["url", ...CREDENTIALS] : CREDENTIALS;
  const options = [PASSWORD, ...command.options];
  return options.some((option) =>
    keys.includes(keyOf(option)) && isSet(command, option)
  );
}

/** The value, parsed as commander would parse it after the flag. */
function parsed(option: Option, value: unknown): unknown {
  if (option.isBoolean() || option.negate) {
    if (typeof value !== "boolean") {
      throw new InvalidArgumentError("it must be true or false");
    }
    return value ? !option.negate : undefined;
  }
  const key = keyOf(option);
  if (Array.isArray(value) && !LISTS.includes(key)) {
    throw new InvalidArgumentError("it can't be a list");
  }
  // A list is a repeated flag, or several URLs.
  const items = Array.isArray(value) ? value : [value];
  const isUrls = key === "url" && items.every(isText);
  const texts = isUrls ? [items.join(",")] : items;
  return texts.reduce((previous, text) => {
    if (!isText(text) && typeof text !== "number") {
      throw new InvalidArgumentError("it must be a string or a number");
    }
    const argument = String(text);
    return option.parseArg ? option.parseArg(argument, previous) : argument;
  }, option.defaultValue);
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}
