#!/usr/bin/env python3
"""The kinds of barrier on the shipped collector, against the verdicts of go-weave's Yuasa model: two
mutators of two writes each, three objects, every initial heap a data choice (F8.7). And searches over
grids of data choices as such.

usage: test_barriers.py TRICOLOR ENGINE...
"""
import json
import os
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True

TRICOLOR = None
BROKEN = "reachable object is not marked"


def explore(scenario, *words):
    done = subprocess.run([TRICOLOR, "explore", scenario, "--json", "-", *words],
                          capture_output=True, text=True, timeout=240, check=False)
    if not done.stdout:
        raise AssertionError(done.stderr)
    return done.returncode, json.loads(done.stdout)


class Verdicts(unittest.TestCase):
    """With a limit of schedules and none of time, what is searched is the same everywhere."""

    def search(self, name, schedules, seed):
        return explore(name, "--set", "explore.time_ns=none", "--schedules", str(schedules),
                       "--seed", str(seed))

    def breaks(self, name):
        """In one of three samples of the grid, of 300 combinations each."""
        for seed in (3, 2, 1):
            status, doc = self.search(name, 30000, seed)
            if status == 0:
                break
        self.assertEqual(status, 0)
        self.assertIn(BROKEN, doc["violation"]["message"])

    def holds(self, name):
        """Schedules for 16 of the 331,776 combinations of writes and heaps."""
        status, doc = self.search(name, 800, 2)
        self.assertEqual(status, 0)
        self.assertIsNone(doc["violation"])
        self.assertEqual(doc["schedules"]["complete"], 800)
        self.assertEqual(doc["variants"], {"total": 331776, "done": 16})
        self.assertIn("of 16 of 331776 data choices", doc["guarantee"]["text"])

    def test_yuasa_without_stacks_first(self):
        self.breaks("barriers-yuasa-no-snapshot")

    def test_dijkstra_without_rescan(self):
        self.breaks("barriers-dijkstra-no-rescan")

    def test_sound(self):
        for name in ("yuasa", "dijkstra", "hybrid", "conditional"):
            with self.subTest(name):
                self.holds("barriers-" + name)


GRID = {
    "name": "grid", "runtime": {"procs": 4, "check": True}, "gc": {"idle_workers": 0},
    "explore": {"strategy": "random", "schedules": 512, "time_ns": "none"},
    "objects": {name: {"pointers": 1, "root": name == "G"} for name in "GAB"},
    "goroutines": [
        {"name": "collector", "body": [{"op": "gc"}, {"op": "chan.close", "channel": "over"}]},
        {"name": "mutator", "registers": {"r0": None}, "body": [
            {"op": "object.load", "from": "G", "to": "r1"},
            {"op": "object.store", "into": "r0", "value": "r1"},
            {"op": "chan.recv", "channel": "over"}]}],
    "channels": {"over": {}},
    "choose": [{"set": path, "values": [None, "G", "A", "B"]} for path in (
        "objects.G.links.0", "objects.A.links.0", "objects.B.links.0",
        "goroutines.mutator.registers.r0")]}


class Grids(unittest.TestCase):
    def setUp(self):
        with open("grid.json", "w", encoding="utf-8") as out:
            json.dump(GRID, out)
        self.addCleanup(os.unlink, "grid.json")

    def test_every_combination_is_searched_and_the_same_again(self):
        docs = []
        for _ in range(2):
            status, doc = explore("grid.json")
            self.assertEqual(status, 0)
            self.assertEqual(doc["variants"], {"total": 256, "done": 256})
            self.assertEqual(doc["schedules"]["complete"], 512)
            docs.append(doc)
        for key in ("schedules", "classes", "sites", "histograms", "estimate"):
            self.assertEqual(docs[0][key], docs[1][key])

    def test_a_search_has_time_left_after_learning(self):
        """In an endless world learning alone takes longer than the search is given."""
        status, doc = explore("discard-at-mark-termination", "--set", "runtime.procs=2",
                              "--set", "gc.idle_workers=1024", "--time", "1")
        self.assertEqual(status, 1)
        self.assertGreater(doc["schedules"]["complete"] + doc["schedules"]["cut"], 0)
        self.assertEqual(doc["schedules"]["failed"], 0)


if __name__ == "__main__":
    TRICOLOR = sys.argv[1]
    unittest.main(argv=sys.argv[:1], verbosity=1)
