// What a run came to, for people.

import type { Failure, Tally } from "./messages.ts";
import type { Plan } from "./plan.ts";

/** One line of a failure: its seed, and the rule. */
export function failureText({ plan, violations }: Failure): string {
  const [first] = violations;
  return `seed ${plan.seed} broke "${first?.rule}": ${first?.what}`;
}

/** The sums of a run. */
export function tallyText(tally: Tally, elapsedMs: number): string {
  const { histories, answered, failed, faults, virtualMs, failures } = tally;
  const perMinute = Math.round(histories / elapsedMs * 60_000);
  const hours = (virtualMs / 3_600_000).toFixed(1);
  return `${histories} histories in ${(elapsedMs / 1_000).toFixed(1)} s ` +
    `(${perMinute} a minute, ${hours} virtual hours): ${answered} calls ` +
    `answered, ${failed} failed as they may, ${faults} faults, ` +
    `${failures.length} histories broke a rule`;
}

/** What a history was made of. */
export function planText(plan: Plan): string {
  const { broker, queueType, clients, servers, calls, faults } = plan;
  return [
    `broker ${
      JSON.stringify(broker)
    }, ${queueType} queues, ${clients.length} clients, ` +
    `${servers.length} servers, ${calls.length} calls`,
    `faults: ${
      faults.map(({ number, kind }) => `${number} ${kind}`).join(", ")
    }`,
  ].join("\n");
}
