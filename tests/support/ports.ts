// TCP ports for servers that a test stops and starts again.

const FIRST = 10_000;
const LAST = 32_000;

/**
 * A loopback TCP port on which nobody listens.
 *
 * It lies below the ports that the kernel hands to outgoing connections. While
 * a server is down, a client that keeps dialling a port among those can be
 * given that very port, connect to itself, and so keep the server from coming
 * back.
 */
export function freePort(): number {
  return freePorts(1)[0]!;
}

/** So many of them, no two of which are the same. */
export function freePorts(count: number): number[] {
  using stack = new DisposableStack();
  const listen = () => stack.adopt(listenAnywhere(), (it) => it.close());
  return Array.from({ length: count }, () => listen().addr.port);
}

function listenAnywhere(): Deno.TcpListener {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST));
    try {
      return Deno.listen({ hostname: "127.0.0.1", port });
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
  throw new Error(`no free TCP port found between ${FIRST} and ${LAST}`);
}

/** Whether anybody listens on a port of 127.0.0.1. */
export async function isListening(port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) return false;
    throw error;
  }
}
