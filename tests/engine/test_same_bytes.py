#!/usr/bin/env python3
"""Same seed, same bytes, whatever compiled the model: results and event logs of several engines, and
what their searches find.

What is compared with the build's own engine: its engine for data races, whose core is compiled with
other options, so that frames, inlining and registers differ; and the engines of the builds that
TRICOLOR_SAME_BYTES names (folders, separated by colons), made by another compiler or with sanitizers
(`./dev test`). With neither, the engine is compared with itself.

usage: test_same_bytes.py ENGINE...
       test_same_bytes.py --digests ENGINE     a line for each run: to compare across machines
"""
import hashlib
import json
import os
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
from harness import Engines, merged

HERE = os.path.dirname(os.path.abspath(__file__))
CONFIGS = os.path.join(HERE, "..", "..", "configs")
MODEL = "model-concurrent"
ENGINES = None

STORES = 20000  # of the scenarios that are made smaller

# name, folder, procs, gc
CASES = [
    ("map-growth", CONFIGS, 1, {}), ("map-growth", CONFIGS, 64, {"barrier": {"kind": "yuasa"}}),
    ("map-string-keys", CONFIGS, 2, {}), ("map-pointer-values", CONFIGS, 8, {}),
    ("tiny-map", CONFIGS, 64, {}), ("tiny-churn", CONFIGS, 2, {"barrier": {"kind": "dijkstra"}}),
    ("tiny-channels", CONFIGS, 8, {}), ("tiny-channels", CONFIGS, 1, {}),
    ("stress-goroutines", "scenarios", 64, {}), ("stress-kinds", "scenarios", 8, {}),
    ("stress-lists", "scenarios", 1, {}), ("stress-maps", "scenarios", 8, {}),
    ("stress-mixed", "scenarios", 2, {"barrier": {"buffer_entries": 1}}),
    ("stress-weak", "scenarios", 2, {}),
]


def smaller(body):
    """The operations with their counts cut; only for bodies without channels."""
    return [dict(op, count=min(op.get("count", 1), STORES)) for op in body]


def load(folder, name):
    with open(os.path.join(HERE, folder, name + ".json"), encoding="utf-8") as f:
        return json.load(f)


def scenario(name, folder, procs, gc):
    doc = merged(load(folder, name), {"runtime": {"procs": procs}, "gc": gc})
    if name.startswith("map-"):
        for group in doc["goroutines"]:
            group["body"] = smaller(group["body"])
    return doc


def run(engines, case):
    """The bytes of the result, and of the event log."""
    done = engines.run(MODEL, scenario(*case), events=True)
    if done.status != 0:
        raise AssertionError(f"{case[0]}: exit status {done.status}: {done.stderr}")
    return done.stdout, done.events


# Searches that find something soon; a limit in time would end them sooner on a slower machine.
SEARCHES = ["barrier-none", "litmus-1-new-only"]
TIMES = {"rate", "elapsed_ns", "found_after_ns", "ns", "remedies"}  # or limited by time


def without_times(value):
    if isinstance(value, dict):
        return {key: without_times(part) for key, part in value.items() if key not in TIMES}
    return [without_times(part) for part in value] if isinstance(value, list) else value


def search(engines, name):
    """The result, as text of many lines, and the schedule file."""
    doc = merged(load(os.path.join(CONFIGS, "races"), name), {
        "explore": {"schedules": 1000, "time_ns": 10**12, "shrink_ns": 0}})
    with tempfile.TemporaryDirectory() as folder:
        done = engines.run(MODEL, doc, args=["--explore"], cwd=folder)
        files = os.listdir(folder)
        if len(files) != 1:
            raise AssertionError(f"{name}: found nothing: {done.stdout[-2000:]} {done.stderr}")
        with open(os.path.join(folder, files[0]), encoding="utf-8") as f:
            return json.dumps(without_times(done.result), indent=1), f.read()


def first_difference(a, b):
    """Line number and both lines; None: there is none."""
    a, b = a.splitlines(), b.splitlines()
    for i in range(max(len(a), len(b))):
        pair = tuple(lines[i] if i < len(lines) else "the end" for lines in (a, b))
        if pair[0] != pair[1]:
            return f"line {i + 1}: {pair[0][:500]}\nhas become {pair[1][:500]}"
    return None


def others():
    """Engines to compare with, by what they are."""
    found = {}
    if ENGINES.has("model-races"):
        found["engine for data races"] = Engines.of({MODEL: ENGINES.paths["model-races"]})
    for folder in filter(None, os.environ.get("TRICOLOR_SAME_BYTES", "").split(":")):
        found[folder] = Engines.of({MODEL: os.path.join(folder, "sims", "tricolor-" + MODEL)})
    return found or {"second run": ENGINES}


class SameBytes(unittest.TestCase):
    def test_cases(self):
        for case in CASES:
            result, events = run(ENGINES, case)
            self.assertGreater(len(events.splitlines()), 20, case)
            for what, engines in others().items():
                with self.subTest(scenario=case[0], procs=case[2], other=what):
                    other_result, other_events = run(engines, case)
                    self.assertIsNone(first_difference(events, other_events))
                    self.assertIsNone(first_difference(result, other_result))

    def test_searches(self):
        for name in SEARCHES:
            result, file = search(ENGINES, name)
            for what, engines in others().items():
                with self.subTest(scenario=name, other=what):
                    other_result, other_file = search(engines, name)
                    self.assertIsNone(first_difference(result, other_result))
                    self.assertIsNone(first_difference(file, other_file))

    def test_differences_are_found(self):
        case = ("tiny-churn", CONFIGS, 2, {})
        text = run(ENGINES, case)[1]
        lines = text.splitlines()
        self.assertIsNone(first_difference(text, text))
        self.assertIn(f"line {len(lines)}: {lines[-1]}\nhas become the end",
                      first_difference(text, "\n".join(lines[:-1])))
        other = run(ENGINES, ("tiny-churn", CONFIGS, 3, {}))[1]
        self.assertIsNotNone(first_difference(text, other))


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def print_digests():
    for case in CASES:
        print(case[0], case[2], *map(digest, run(ENGINES, case)))
    for name in SEARCHES:
        print(name, "explored", *map(digest, search(ENGINES, name)))


if __name__ == "__main__":
    if sys.argv[1] == "--digests":
        ENGINES = Engines.of({MODEL: sys.argv[2]})
        print_digests()
    else:
        ENGINES = Engines(sys.argv[1:])
        unittest.main(argv=[sys.argv[0]])
