/**
 * The flags of `rabbit-rpc server`.
 *
 * @module
 */
import type { Command } from "commander";
import { type ListenAddress, parseOpenAddress } from "../address.ts";
import { addCommonFlags, type CommonFlags } from "../flags/common.ts";
import { flag } from "../flags/flag.ts";
import {
  MAX_PREFETCH,
  parseCount,
  parseNames,
  parseSize,
  parseStreamLimit,
  parseTimeout,
  type StreamLimit,
} from "../flags/values.ts";
import { addQueueFlags, type QueueFlags } from "./queue_flags.ts";
import { addServiceFlags, type ServiceFlags } from "./service.ts";

/** The flags of `rabbit-rpc server`. */
export interface ServerFlags extends CommonFlags, QueueFlags, ServiceFlags {
  /** Null if not set: it depends on the concurrency. */
  prefetch: number | null;
  handlerTimeout: number;
  maxBody: number;
  maxReply: number;
  maxHeaders: number;
  maxHeaderSize: number;
  maxStream?: StreamLimit;
  maxStreams?: number;
  replyTo?: string[];
  maxDeliveries: number;
  count?: number;
  grace: number;
  health?: ListenAddress;
}

/** Adds the flags. */
export function addServerFlags(command: Command): void {
  addServiceFlags(command);
  addRequestFlags(command);
  addLimitFlags(command);
  addQueueFlags(command);
  command
    .addOption(
      flag("-n, --count <n>", "stop after this many requests")
        .argParser(parseCount(1)),
    )
    .addOption(
      flag(
        "--grace <duration>",
        "time for running requests to finish when stopped",
      )
        .argParser(parseTimeout).default(30_000, "30s"),
    )
    .addOption(
      flag(
        "--health <address>",
        "serve /healthz and /readyz at this address, e.g. :8080",
      )
        .argParser(parseOpenAddress),
    );
  addCommonFlags(command);
}

function addRequestFlags(command: Command): void {
  command
    .addOption(
      flag("-c, --concurrency <n>", "requests to run at the same time")
        .argParser(parseCount(1, MAX_PREFETCH)).default(
          null,
          "cores for fib and commands, else 256",
        ),
    )
    .addOption(
      flag("--prefetch <n>", "requests to take from the broker in advance")
        .argParser(parseCount(1, MAX_PREFETCH)).default(
          null,
          "max(c, min(2c, 16))",
        ),
    )
    .addOption(
      flag("--handler-timeout <duration>", "time limit for each request")
        .argParser(parseTimeout).default(30_000, "30s"),
    )
    .addOption(
      flag("--reply-to <pattern>", "also reply to these shared queues")
        .argParser(parseNames),
    )
    .addOption(
      flag("--max-deliveries <n>", "redeliveries before giving up on a request")
        .argParser(parseCount(0)).default(5, "5, on quorum queues"),
    );
}

function addLimitFlags(command: Command): void {
  command
    .addOption(
      flag("--max-body <size>", "largest body of a request")
        .argParser(parseSize).default(2 ** 24, "16MiB"),
    )
    .addOption(
      flag("--max-reply <size>", "largest body of a reply")
        .argParser(parseSize).default(2 ** 24, "16MiB"),
    )
    .addOption(
      flag(
        "--max-headers <n>",
        "most headers in a request, counting nested ones",
      )
        .argParser(parseCount(1)).default(100),
    )
    .addOption(
      flag(
        "--max-header-size <size>",
        "largest total size of a request's headers",
      )
        .argParser(parseSize).default(2 ** 16, "64KiB"),
    )
    .addOption(
      flag(
        "--max-stream <limit>",
        "longest stream: items such as 1000, a size such as 64MiB, or both",
      )
        .argParser(parseStreamLimit),
    )
    .addOption(
      flag("--max-streams <n>", "streams that may be open at the same time")
        .argParser(parseCount(0)),
    );
}
