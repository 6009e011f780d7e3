"""What the peers in Python report of a load: see ../load.ts."""
import json


def report(latencies, seconds):
    """Prints the figures; latencies in seconds."""
    latencies.sort()
    last = len(latencies) - 1
    figures = {
        "calls": len(latencies),
        "seconds": seconds,
        "p50_ms": 1000 * latencies[int(0.5 * last)],
        "p99_ms": 1000 * latencies[int(0.99 * last)],
    }
    print(json.dumps(figures), flush=True)
