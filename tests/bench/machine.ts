// Where figures were measured.

import type { Scene } from "./scene.ts";

/** By name, in the order in which it should be told. */
export async function machine(scene: Scene): Promise<Record<string, string>> {
  const [release, cpu] = await Promise.all([
    Deno.readTextFile("/etc/os-release"),
    Deno.readTextFile("/proc/cpuinfo"),
  ]);
  const system = /^PRETTY_NAME="?(.*?)"?$/m.exec(release)?.[1] ?? "Linux";
  const model = /^model name\s*: (.*)$/m.exec(cpu)?.[1] ?? Deno.build.arch;
  return {
    machine: `${model}, ${navigator.hardwareConcurrency} cores`,
    system: `${system}, Linux ${Deno.osRelease()}`,
    "suite and our client": `Deno ${Deno.version.deno}`,
    brokers: scene.brokers.map(({ version }) => version).join("; "),
    "servers and peers": scene.contenders.map(({ version }) => version).join(
      "; ",
    ),
  };
}
