#!/usr/bin/env python3
"""Stress with the verifier on: the stress scenarios of tests/engine under random seeds, processor
counts, GOGC values and barrier buffers, natively and in the model, until the time is up.

usage: soak.py TRICOLOR [MINUTES]     default 10 minutes; prints the failing command line
"""
import glob
import os
import random
import subprocess
import sys
import time


def command(tricolor, scenario, rng):
    engine = rng.choice(["native", "native", "native", "model"])
    sets = {
        "runtime.procs": rng.choice([1, 2, 3, 4, 8]),
        "runtime.check": "true",
        "gc.gogc": rng.choice([10, 25, 50, 100, 400]),
        "gc.barrier.buffer_entries": rng.choice([0, 1, 4, 256]),
        "seed": rng.randrange(1, 1 << 32),
    }
    words = [tricolor, "run", scenario, "--engine", engine]
    for key, value in sets.items():
        words += ["--set", f"{key}={value}"]
    return words


def main():
    if len(sys.argv) not in (2, 3):
        print(__doc__.strip())
        return 2
    try:
        minutes = float(sys.argv[2]) if len(sys.argv) == 3 else 10
    except ValueError:
        print(f"soak: MINUTES: found {sys.argv[2]!r}, allowed: a number", file=sys.stderr)
        return 2
    here = os.path.dirname(os.path.abspath(__file__))
    scenarios = sorted(glob.glob(os.path.join(here, "engine", "scenarios", "stress-*.json")))
    if not scenarios:
        print("soak: no scenarios tests/engine/scenarios/stress-*.json", file=sys.stderr)
        return 2
    seed = int(time.time())
    rng = random.Random(seed)
    end = time.monotonic() + 60 * minutes
    runs = failures = 0
    print(f"soak: seed {seed}, {minutes:g} minutes", file=sys.stderr)
    while time.monotonic() < end:
        words = command(sys.argv[1], rng.choice(scenarios), rng)
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        runs += 1
        if done.returncode != 0:
            failures += 1
            print(f"FAILED ({done.returncode}): {' '.join(words)}\n{done.stderr[-2000:]}")
    print(f"{runs - failures} passed, {failures} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
