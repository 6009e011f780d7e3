/**
 * The flags of `rabbit-rpc broker`.
 *
 * @module
 */
import type { Command } from "commander";
import type { Generation } from "../../broker/broker.ts";
import { GENERATIONS, NEWEST } from "../../broker/generation.ts";
import { type ListenAddress, parseAddress } from "../address.ts";
import { flag } from "../flags/flag.ts";
import { parseUser, type UserFlag } from "./users.ts";

/** The flags of `rabbit-rpc broker`. */
export interface BrokerFlags {
  as: Generation;
  listen: ListenAddress;
  vhosts: string[];
  user?: UserFlag[];
  passwordFile?: string;
}

/** Adds the flags. */
export function addBrokerFlags(command: Command): void {
  command
    .addOption(
      flag("--listen <host:port>", "address to listen on; 0 is any free port")
        .argParser(parseAddress)
        .default({ hostname: "127.0.0.1", port: 5672 }, "127.0.0.1:5672"),
    )
    .addOption(
      flag("--vhosts <names>", "virtual hosts, separated by commas")
        .argParser((names: string) => names.split(","))
        .default(["/"], "/"),
    )
    .addOption(
      flag("--as <generation>", "version of RabbitMQ to behave like")
        .choices(GENERATIONS).default(NEWEST),
    )
    .addOption(
      flag(
        "--user <name[:configure:write:read]>",
        "user to accept instead of guest, with permissions (default: all); may be repeated",
      ).argParser(parseUser),
    )
    .addOption(
      flag(
        "--password-file <file>",
        "passwords of the users, one per line (- for stdin)",
      ),
    );
}
