#!/usr/bin/env python3
"""Collector, scheduler and maps together with the heap verifier on: the stress scenarios over
processor counts, GOGC values, barrier buffers, barriers and seeds; expectations are judged here.

usage: test_stress.py ENGINE...       paths of tricolor-PLATFORM-COLLECTOR executables
"""
import glob
import json
import os
import sys
import unittest

sys.dont_write_bytecode = True
from harness import Engines, merged, scale

ENGINES = None
HERE = os.path.dirname(os.path.abspath(__file__))

# procs, gogc, barrier buffer entries, barrier
NATIVE = [
    (1, 20, 0, "hybrid"), (1, 100, 256, "hybrid"), (1, 400, 1, "hybrid"),
    (2, 20, 1, "hybrid"), (2, 50, 256, "yuasa"), (2, 100, 0, "hybrid"), (2, 400, 256, "dijkstra"),
    (4, 20, 256, "hybrid"), (4, 50, 1, "hybrid"), (4, 50, 256, "dijkstra"), (4, 100, 0, "yuasa"),
    (8, 20, 256, "hybrid"),
]
MODEL = [(1, 20, 0, "hybrid"), (2, 20, 1, "yuasa"), (4, 20, 256, "hybrid"), (3, 50, 2, "dijkstra")]


def load():
    found = {}
    for path in sorted(glob.glob(os.path.join(HERE, "scenarios", "stress-*.json"))):
        with open(path, encoding="utf-8") as f:
            found[os.path.basename(path)] = json.load(f)
    return found


def part(cases):
    """As many of the cases as TEST_SCALE asks for, from both ends of the list."""
    count = max(2, min(len(cases), len(cases) * scale() // 100))
    return cases[:count - 1] + cases[-1:]


class Stress(unittest.TestCase):
    def judge(self, scenario, run):
        self.assertEqual(run.status, 0, run.stderr + run.stdout[-2000:])
        self.assertEqual(run.at("violations"), [])
        for expect in scenario["expect"]:
            value = run.at(expect["metric"])
            if "equals" in expect:
                self.assertEqual(value, expect["equals"], expect["metric"])
            else:
                self.assertGreaterEqual(value, expect["min"], expect["metric"])

    def run_all(self, engine, cases):
        for index, (name, base) in enumerate(load().items()):
            for number, (procs, gogc, entries, barrier) in enumerate(part(cases)):
                scenario = merged(base, {
                    "seed": 1000 * index + number,
                    "runtime": {"procs": procs},
                    "gc": {"gogc": gogc,
                           "barrier": {"kind": barrier, "buffer_entries": entries}}})
                with self.subTest(scenario=name, seed=scenario["seed"], procs=procs, gogc=gogc,
                                  entries=entries, barrier=barrier):
                    run = ENGINES.run(engine, scenario)
                    self.judge(base, run)
                    # A loose GOGC leaves room for few, the fewer the longer marking takes.
                    self.assertGreaterEqual(run.at("gc.cycles"), 10 if gogc <= 100 else 3)

    def test_native(self):
        self.run_all("native-concurrent", NATIVE)

    def test_model(self):
        if ENGINES.has("model-concurrent"):  # a ThreadSanitizer build has no model engines
            self.run_all("model-concurrent", MODEL)

    def test_stopped(self):
        """With the world stopped while marking, any barrier will do; a cycle is one long pause."""
        for engine in ["native-concurrent", "model-concurrent"]:
            if not ENGINES.has(engine):
                continue
            for name, base in load().items():
                for procs, barrier in [(1, "hybrid"), (2, "none"), (4, "none")]:
                    scenario = merged(base, {
                        "runtime": {"procs": procs},
                        "gc": {"gogc": 50, "mode": "stw", "barrier": {"kind": barrier}}})
                    with self.subTest(engine=engine, scenario=name, procs=procs):
                        run = ENGINES.run(engine, scenario)
                        self.judge(base, run)
                        self.assertEqual(run.at("pauses.count"), run.at("gc.cycles"))
                        self.assertEqual(run.at("gc.assists"), 0)
                        for cycle in run.at("gc.cycle_list"):
                            self.assertEqual(cycle["pause_total_ns"],
                                             cycle["end_ns"] - cycle["start_ns"])

    def test_other_collectors(self):
        """The same programs come to the same results without our collector."""
        for engine in ["native-none", "native-boehm"]:
            if not ENGINES.has(engine):
                continue
            for name, base in load().items():
                with self.subTest(engine=engine, scenario=name):
                    scenario = merged(base, {"runtime": {"check": False}})
                    scenario["expect"] = [e for e in base["expect"]
                                          if not e["metric"].startswith("gc.")]
                    self.judge(scenario, ENGINES.run(engine, scenario))

    def test_barrier_off_is_noticed(self):
        """Without a barrier the verifier must report a lost object in some of the runs."""
        if not ENGINES.has("model-concurrent"):  # natively the run is a race, as is to be expected
            return
        noticed = 0
        for seed in range(1, 9):
            for base in load().values():
                run = ENGINES.run("model-concurrent", merged(base, {
                    "seed": seed, "gc": {"gogc": 20, "barrier": {"kind": "none"}},
                    "expect_violation": "reachable object is not marked"}))
                self.assertIn(run.status, [0, 1])
                if run.status == 1:
                    self.assertEqual(run.at("violations")[0]["kind"], "violation")
                    noticed += 1
            if noticed > 0:
                return
        self.fail("no run without a barrier was reported")


if __name__ == "__main__":
    ENGINES = Engines([word for word in sys.argv[1:] if "tricolor-" in word])
    unittest.main(argv=[sys.argv[0]] + [w for w in sys.argv[1:] if "tricolor-" not in w])
