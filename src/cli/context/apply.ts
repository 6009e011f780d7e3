/**
 * `--context NAME`: the settings of a context, for the flags that neither the
 * command line nor the environment has set.
 *
 * @module
 */
import { Command, InvalidArgumentError, type Option } from "commander";
import { ConfigFile, type Context } from "./config_file.ts";
import { flag, variableOf } from "../flags/common.ts";
import { Log } from "../log.ts";
import { subcommandsFor } from "../subcommands.ts";

/** Not a flag anywhere else, since other users can see those. */
const PASSWORD = flag("--password <password>", "");
/** What goes to the broker of the context alone. */
const CREDENTIALS = ["password", "password-file"];

/** Keys that may have several values. */
const LISTS = ["url", "header", "reply-to", "vhosts", "expect"];

/** Lets each subcommand take its context, before it runs or shows its help. */
export function useContexts(program: Command): void {
  program.on("beforeAllHelp", ({ command }) => {
    const { context } = command.opts();
    if (context !== undefined) applyContext(command, ConfigFile.read());
  });
  program.hook("preAction", async (_, command) => {
    const { context } = command.opts();
    if (context === undefined) return;
    const file = ConfigFile.read();
    if (file.exposure) new Log(command.opts()).warn(file.exposure);
    await checkKeys(command, file);
    applyContext(command, file);
  });
}

/** A key that is a flag of some other subcommand is no mistake. */
async function checkKeys(command: Command, file: ConfigFile): Promise<void> {
  const name: string = command.opts().context;
  const keys = Object.keys(file.context(name));
  const notMine = keys.filter((key) => !knows(command, key));
  if (notMine.length === 0) return;
  const isKey = await keysOfAll();
  for (const key of notMine) {
    if (isKey(key)) continue;
    throw file.mistake(`there is no flag --${key}`, contextTitle(name));
  }
}

/** Tells of a key whether it is a flag of any subcommand. */
export async function keysOfAll(): Promise<(key: string) => boolean> {
  const program = new Command();
  for (const add of await subcommandsFor()) add(program, () => {});
  return (key) => program.commands.some((command) => knows(command, key));
}

function knows(command: Command, key: string): boolean {
  return optionFor(command, key) !== undefined;
}

/** The flag of this key; a context can't name another. */
function optionFor(command: Command, key: string): Option | undefined {
  if (key === "context") return undefined;
  return [PASSWORD, ...command.options].find((option) => keyOf(option) === key);
}

function applyContext(command: Command, file: ConfigFile): void {
  const name: string = command.opts().context;
  const context = file.context(name);
  const keepsPassword = passwordIsElsewhere(command, context);
  for (const [key, value] of Object.entries(context)) {
    if (keepsPassword && CREDENTIALS.includes(key)) continue;
    const option = optionFor(command, key);
    if (option === undefined || isSet(command, option)) continue;
    try {
      const setting = parsed(option, value);
      // A switch that is off is what it is anyway.
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

/** Set on the command line or in the environment, be it to "off". */
function isSet(command: Command, option: Option): boolean {
  const source = command.getOptionValueSource(option.attributeName());
  return source === "cli" || source === "env" ||
    Boolean(Deno.env.get(variableOf(option)));
}

/** A password is not told to another broker, nor put beside another one. */
function passwordIsElsewhere(command: Command, context: Context): boolean {
  const keys = "url" in context ? ["url", ...CREDENTIALS] : CREDENTIALS;
  const options = [PASSWORD, ...command.options];
  return options.some((option) =>
    keys.includes(keyOf(option)) && isSet(command, option)
  );
}

/** What commander makes of the same text after the flag. */
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
  // A list is a flag that is given several times, or several URLs.
  const items = Array.isArray(value) ? value : [value];
  const isUrls = key === "url" && items.every(isText);
  const texts = isUrls ? [items.join(",")] : items;
  return texts.reduce((previous, text) => {
    if (!isText(text) && typeof text !== "number") {
      throw new InvalidArgumentError("it must be a text or a number");
    }
    const argument = String(text);
    return option.parseArg ? option.parseArg(argument, previous) : argument;
  }, option.defaultValue);
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}
