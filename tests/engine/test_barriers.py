#!/usr/bin/env python3
"""The kinds of barrier on the shipped collector, against the verdicts of go-weave's Yuasa model: two
mutators of two writes each, three objects, every initial heap a data choice (F8.7). Searches over
grids of data choices as such, and of programs that misuse a map.

usage: test_barriers.py TRICOLOR ENGINE...
"""
import itertools
import json
import os
import random
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import grids

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

    def test_hunt_breaks_it_whatever_the_seed(self):
        """Few of the combinations can fail, and few of their schedules do."""
        for seed in range(1, 5):
            with self.subTest(seed):
                status, doc = explore("barriers-dijkstra-no-rescan", "--strategy", "hunt",
                                      "--set", "explore.time_ns=none", "--schedules", "30000",
                                      "--seed", str(seed), "--shrink", "0")
                self.assertEqual(status, 0)
                self.assertIn(BROKEN, doc["violation"]["message"])

    def holds(self, name):
        """Schedules for 16 of the 331,776 combinations of writes and heaps."""
        status, doc = self.search(name, 800, 2)
        self.assertEqual(status, 0)
        self.assertIsNone(doc["violation"])
        self.assertEqual(doc["schedules"]["complete"], 800)
        self.assertEqual(doc["variants"], {"total": 331776, "different": 21866, "done": 16})
        self.assertIn("of 16 of 21866 data choices, which are all 331776 up to names",
                      doc["guarantee"]["text"])

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
            self.assertEqual(doc["variants"], {"total": 256, "different": 55, "done": 55})
            self.assertEqual(doc["schedules"]["complete"], 55 * 10)
            docs.append(doc)
        for key in ("schedules", "classes", "sites", "histograms", "estimate"):
            self.assertEqual(docs[0][key], docs[1][key])

    def test_a_search_has_time_left_after_learning(self):
        """Learning the points of this world alone can take longer than the search is given."""
        status, doc = explore("discard-at-mark-termination", "--set", "runtime.procs=2",
                              "--set", "gc.idle_workers=1024", "--time", "1")
        self.assertEqual(status, 0 if doc["schedules"]["failed"] > 0 else 1)
        self.assertGreater(doc["schedules"]["complete"] + doc["schedules"]["cut"], 0)


class Alike(unittest.TestCase):
    """Combinations of data choices that are the same but for names (sims/explore/alike.h), found here
    in another way: by making one from the other."""

    NAMES = "ABC"

    def sets(self, links, registers, bodies, slot):
        setup = {"op": "object.drop", "register": "r0"}
        if slot is not None:
            setup = {"op": "object.get", "root": slot, "to": "r0"}
        chosen = {"setup.0": setup}
        for name in self.NAMES:
            chosen[f"objects.{name}.links.0"] = links[name]
        for who, register, body in zip(("first", "second"), registers, bodies):
            chosen[f"goroutines.{who}.registers.r0"] = register
            for i, op in enumerate(body):
                chosen[f"goroutines.{who}.body.{i}"] = grids.WRITES[op]
        return [word for path, value in chosen.items()
                for word in ("--set", f"{path}={json.dumps(value)}")]

    def draw(self, rng):
        values = [None, *self.NAMES]
        return ({name: rng.choice(values) for name in self.NAMES},
                [rng.choice(values) for _ in range(2)],
                [[rng.randrange(3) for _ in range(2)] for _ in range(2)], rng.choice(values))

    def rename(self, rng, links, registers, bodies, slot):
        """The same under other names, what is unreachable linked otherwise, and what does nothing
        (a load or store through nil) taken for something else that does nothing."""
        new = dict(zip(self.NAMES, rng.sample(self.NAMES, 3)))
        new[None] = None
        made = {new[name]: new[links[name]] for name in self.NAMES}
        live, todo = set(), [new[slot], new[registers[0]], new[registers[1]]]
        while todo:
            name = todo.pop()
            if name is not None and name not in live:
                live.add(name)
                todo.append(made[name])
        for name in set(self.NAMES) - live:
            made[name] = rng.choice([None, *self.NAMES])
        idle = [[rng.randrange(2) if grids.is_idle(body, i, register, links) else op
                 for i, op in enumerate(body)] for register, body in zip(registers, bodies)]
        return made, [new[register] for register in registers], idle, new[slot]

    def test_those_alike_have_the_same_schedules(self):
        rng = random.Random(5)
        for name in ("yuasa", "dijkstra", "hybrid") * 2:
            choices = self.draw(rng)
            docs = []
            for one in (choices, self.rename(rng, *choices)):
                status, doc = explore("barriers-" + name, "--strategy", "bound", "--preemptions", "1",
                                      "--set", "explore.time_ns=none", *self.sets(*one))
                self.assertEqual(status, 0)
                docs.append(doc)
            for key in ("schedules", "classes", "histograms", "estimate"):
                self.assertEqual(docs[0][key], docs[1][key], choices)

    def explore_grid(self, grid, *words):
        with open("grid.json", "w", encoding="utf-8") as out:
            json.dump(grid, out)
        try:
            return explore("grid.json", "--set", "explore.time_ns=none", *words)
        finally:
            os.unlink("grid.json")

    def test_as_many_as_there_are(self):
        """Of one mutator and two objects, by a canonical form."""
        kinds = set()
        values = [None, "A", "B"]
        for a, b, slot, register in itertools.product(values, repeat=4):
            links = {"A": a, "B": b}
            for body in itertools.product(range(3), repeat=2):
                told = [0 if grids.is_idle(body, i, register, links) else op + 1
                        for i, op in enumerate(body)]
                kinds.add((grids.shape([slot, register], links), slot is None, tuple(told)))
        grid = grids.smaller("yuasa", 2, [2])
        _, doc = self.explore_grid(grid, "--strategy", "random", "--schedules", "1000")
        self.assertEqual(doc["variants"]["total"], 729)
        self.assertEqual(doc["variants"]["different"], len(kinds))

    def test_what_is_not_understood_is_not_alike(self):
        grid = grids.smaller("yuasa", 2, [1])
        grid["goroutines"][1]["body"].append({"op": "object.new", "pointers": 1, "to": "r1"})
        _, doc = self.explore_grid(grid, "--strategy", "random", "--schedules", "300")
        self.assertEqual(doc["variants"]["different"], doc["variants"]["total"])

    def test_a_small_grid_is_searched_whole(self):
        status, doc = self.explore_grid(grids.smaller("yuasa", 2, [2]), "--strategy", "bound",
                                        "--preemptions", "1")
        self.assertEqual(status, 0)
        self.assertEqual((doc["guarantee"]["kind"], doc["guarantee"]["preemptions"]), ("BOUND", 1))
        self.assertIn("of 190 of 190 data choices, which are all 729 up to names",
                      doc["guarantee"]["text"])
        status, doc = self.explore_grid(grids.smaller("yuasa-no-snapshot", 2, [2]), "--strategy",
                                        "bound", "--preemptions", "1")
        self.assertEqual(status, 0)
        self.assertIn(BROKEN, doc["violation"]["message"])


class Misuse(unittest.TestCase):
    """Of a map by goroutines without a mutex, which the scenario allows."""

    def test_it_is_noticed_or_missed(self):
        status, doc = explore("map-write-flag-early", "--strategy", "bound", "--preemptions", "2",
                              "--set", "explore.time_ns=none", "--set", "maps.m.faults=[]",
                              "--set", 'expect_violation=""')
        self.assertEqual(status, 0)
        self.assertEqual(doc["guarantee"]["preemptions"], 2)
        self.assertEqual(doc["schedules"]["failed"], 0)
        self.assertGreater(doc["schedules"]["noticed"], 0)
        self.assertGreater(doc["schedules"]["missed"], 0)

    def test_what_does_not_come_of_it_is_a_failure(self):
        """A deadlock behind writers that take turns."""
        def put(key):
            return {"op": "lock", "mutex": "l",
                    "body": [{"op": "map.put", "map": "m", "keys": {"start": key}}]}
        scenario = {
            "name": "turns", "runtime": {"procs": 4, "check": True}, "gc": {"gogc": "off"},
            "maps": {"m": {"allow_races": True}}, "mutexes": ["l"], "channels": {"never": {}},
            "setup": [{"op": "map.put", "map": "m", "count": 8}],
            "goroutines": [
                {"name": "one", "body": [put(8)]},
                {"name": "other", "body": [put(9), {"op": "chan.recv", "channel": "never"}]}]}
        with open("turns.json", "w", encoding="utf-8") as out:
            json.dump(scenario, out)
        self.addCleanup(os.unlink, "turns.json")
        status, doc = explore("turns.json", "--schedules", "100")
        self.assertEqual(status, 1)
        self.assertEqual(doc["violation"]["kind"], "deadlock")
        self.assertEqual(doc["schedules"]["missed"], 0)


if __name__ == "__main__":
    TRICOLOR = sys.argv[1]
    unittest.main(argv=sys.argv[:1], verbosity=1)
