#!/usr/bin/env python3
"""The model as a simulator: same seed, same bytes; its cost table; predictions.

usage: test_model.py TRICOLOR COST_JSON ENGINE...
"""
import json
import os
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
from harness import Engines, merged

ENGINES, TRICOLOR, COST = None, None, None

SHARED = {
    "name": "shared", "seed": 3, "runtime": {"procs": 8},
    "gc": {"gogc": 50},
    "maps": {"m": {"kind": "sharded", "value": "pointer"}}, "channels": {"c": {"capacity": 4}},
    "goroutines": [
        {"name": "put", "count": 16, "body": [
            {"op": "map.put", "map": "m", "count": 400, "keys": {"per_goroutine": 300}},
            {"op": "chan.send", "channel": "c", "count": 20}]},
        {"name": "take", "count": 4, "body": [
            {"op": "chan.recv", "channel": "c", "count": 80},
            {"op": "alloc", "bytes": 512, "count": 500, "keep": 50}]},
    ]}


def tricolor(*words, text=None):
    return subprocess.run([TRICOLOR, *words], input=text, capture_output=True, text=True,
                          timeout=120, check=False)


class SameBytes(unittest.TestCase):
    def both(self, procs, seed):
        what = merged(SHARED, {"seed": seed, "runtime": {"procs": procs}})
        return ENGINES.run("model-concurrent", what), ENGINES.run("model-concurrent", what,
                                                                  events=True)

    def test_results_and_logs(self):
        """Run again, with and without a log: the same result; two logs: the same."""
        for procs, seed in [(1, 1), (2, 2), (8, 3), (64, 4), (1024, 5)]:
            with self.subTest(procs=procs, seed=seed):
                plain, logged = self.both(procs, seed)
                self.assertEqual(plain.status, 0, plain.stderr)
                self.assertEqual(plain.stdout, logged.stdout)
                again = self.both(procs, seed)[1]
                self.assertEqual(again.stdout, logged.stdout)
                self.assertEqual(again.events, logged.events)
                self.assertGreater(len(logged.events.splitlines()), 100)
                self.assertEqual(plain.at("events.dropped"), 0)

    def test_slower_allocator(self):
        """gc.alloc_extra_ns is added for every object an operation allocates, of any kind."""
        what = {"name": "pace", "runtime": {"procs": 1}, "gc": {"gogc": "off"},
                "lists": {"q": {}}, "trees": {"t": {}}, "maps": {
                    "m": {"key": "string", "key_bytes": 16, "value": "pointer"},
                    "k": {"kind": "swiss", "value": "pointer"}},
                "goroutines": [{"body": [
                    {"op": "list.push", "list": "q", "count": 10},
                    {"op": "tree.build", "tree": "t", "depth": 2},
                    {"op": "tree.build", "tree": "t", "depth": 2, "order": "bottom-up"},
                    {"op": "alloc", "bytes": 64, "pointers": 1, "count": 10},
                    {"op": "alloc", "bytes": 64, "count": 10},
                    {"op": "map.put", "map": "k", "count": 10},
                    {"op": "map.put", "map": "m", "count": 10},
                    {"op": "object.new", "to": "r0"}]}]}
        objects = 10 + 7 + 7 + 10 + 10 + 10 + 2 * 10 + 1
        plain = ENGINES.run("model-concurrent", what)
        slow = ENGINES.run("model-concurrent", merged(what, {"gc": {"alloc_extra_ns": 100000}}))
        self.assertEqual(plain.status, 0, plain.stderr)
        self.assertEqual(plain.at("gc.mallocs"), slow.at("gc.mallocs"))
        with open(COST, encoding="utf-8") as f:
            compute_ps = json.load(f)["rows"]["compute"]["ps"]
        longer_ns = slow.at("wall_ns") - plain.at("wall_ns")  # and what that moves: cache misses
        self.assertEqual(round(longer_ns / (100 * compute_ps)), objects)

    def test_slower_globals(self):
        """gc.globals_extra_ns is added to each marking of the globals, in parts where they are."""
        what = {"name": "pace", "runtime": {"procs": 1}, "goroutines": [{"body": [{"op": "gc"}]}],
                "gc": {"gogc": "off", "globals_bytes": 600000}}
        plain = ENGINES.run("model-concurrent", what)
        slow = ENGINES.run("model-concurrent", merged(what, {"gc": {"globals_extra_ns": 900000}}))
        marks = [c["mark_term_ns"] - c["mark_ns"]
                 for c in (r.at("gc.cycle_list")[0] for r in (plain, slow))]
        self.assertGreaterEqual(marks[1] - marks[0], 900000)
        self.assertLess(marks[1] - marks[0], 950000)

    def test_startup_memory(self):
        """Before a set-up, objects of 1 KiB: some live, some are found to be garbage."""
        what = {"name": "start", "runtime": {"procs": 1}, "gc": {"gogc": "off"},
                "goroutines": [{"body": [{"op": "gc"}]}]}
        more = {"gc": {"startup_bytes": 100000, "startup_garbage_bytes": 500000}}
        plain, run = (ENGINES.run("model-concurrent", merged(what, extra)) for extra in ({}, more))
        before, after = (r.at("gc.cycle_list")[0] for r in (plain, run))
        self.assertEqual(after["heap_marked_bytes"] - before["heap_marked_bytes"], 98 * 1024)
        garbage = after["heap_end_bytes"] - after["heap_marked_bytes"]
        self.assertGreaterEqual(garbage, 489 * 1024)
        self.assertLess(garbage, 489 * 1024 + 3 * 8192)  # and what their spans have left

    def test_seeds_differ(self):
        a, b = self.both(8, 1)[1], self.both(8, 2)[1]
        self.assertNotEqual(a.events, b.events)

    def test_full_rings_lose_nothing(self):
        """More events on one P than a ring holds."""
        run = ENGINES.run("model-concurrent", {
            "name": "t", "runtime": {"procs": 1},
            "goroutines": [{"count": 2, "body": [{"op": "yield", "count": 70000}]}]}, events=True)
        self.assertEqual(run.at("events.dropped"), 0)
        self.assertGreater(len(run.events.splitlines()), 1 << 16)

    def test_misses_per_processor(self):
        run = self.both(8, 1)[0]
        rows = run.at("model.processors")
        self.assertEqual(len(rows), 9)
        self.assertEqual(sum(r["read_misses"] for r in rows), run.at("model.read_misses"))
        self.assertEqual(sum(r["write_misses"] for r in rows), run.at("model.write_misses"))
        self.assertGreater(run.at("model.coherence_misses"), 100)
        self.assertGreater(run.at("model.memory_misses"), 100)
        alone = ENGINES.run("native-concurrent", SHARED)
        self.assertIsNone(alone.at("model.coherence_misses"))
        self.assertIsNone(alone.at("model.memory_misses"))

    def test_far_memory(self):
        """The same look-ups cost more in a map that the cache does not hold, and a miss is why."""
        def look_up(keys):
            return ENGINES.run("model-concurrent", {
                "name": "far", "runtime": {"procs": 1}, "gc": {"gogc": "off"}, "maps": {"m": {}},
                "setup": [{"op": "map.put", "map": "m", "count": keys}],
                "goroutines": [{"body": [{"op": "map.get", "map": "m", "count": 20000, "keys": {
                    "dist": "uniform", "space": keys}}]}]})
        near, far = look_up(1000), look_up(1000000)
        self.assertGreater(far.at("model.memory_misses"), 20 * near.at("model.memory_misses"))
        self.assertGreater(far.at("wall_ns"), 1.5 * near.at("wall_ns"))


class Costs(unittest.TestCase):
    def table(self, change):
        with open(COST, encoding="utf-8") as f:
            doc = json.load(f)
        change(doc)
        return doc

    def run_with(self, text):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "cost.json")
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)
            return tricolor("run", "-", "--engine", "model", "--cost", path, "--json", "-",
                            text=json.dumps(SHARED))

    def test_installed_is_default(self):
        """The shipped table and the numbers the engine was built with are the same."""
        bare = ENGINES.run("model-concurrent", SHARED)
        through = ENGINES.run("model-concurrent", SHARED, args=["--cost", COST])
        self.assertEqual(bare.stdout, through.stdout)

    def test_another_table(self):
        with open(COST, encoding="utf-8") as f:
            same = self.run_with(f.read())
        self.assertEqual(same.returncode, 0, same.stderr)

        def dearer(doc):
            doc["rows"]["step"]["ps"] *= 10
        slow = self.run_with(json.dumps(self.table(dearer)))
        self.assertGreater(json.loads(slow.stdout)["wall_ns"], json.loads(same.stdout)["wall_ns"])

    def test_refused(self):
        def drop(doc):
            del doc["rows"]["step"]

        def unknown(doc):
            doc["rows"]["stepp"] = {"ps": 1}

        def negative(doc):
            doc["rows"]["lock"]["ps"] = -1

        def fraction(doc):
            doc["rows"]["lock"]["ps"] = 1.5

        def huge(doc):
            doc["rows"]["lock"]["ps"] = 10**12 + 1

        def text(doc):
            doc["rows"]["lock"]["ps"] = "1"

        def schema(doc):
            doc["schema"] = "tricolor.cost/2"

        def key(doc):
            doc["row"] = {}
        for change, expected in [
                (drop, 'missing row "step"'), (unknown, 'unknown key "stepp" (did you mean "step"?)'),
                (negative, "allowed: a whole number of picoseconds, 0..1000000000000"),
                (fraction, "found 1.5, allowed: a whole"), (huge, "0..1000000000000"),
                (text, "found no number"), (schema, 'allowed: "schema": "tricolor.cost/1"'),
                (key, 'unknown key "row" (did you mean "rows"?)')]:
            with self.subTest(change=change.__name__):
                run = self.run_with(json.dumps(self.table(change)))
                self.assertEqual(run.returncode, 2)
                self.assertIn(expected, run.stderr)
        self.assertEqual(self.run_with("{").returncode, 2)
        missing = tricolor("run", "tiny-map", "--engine", "model", "--cost", "/nonexistent")
        self.assertEqual(missing.returncode, 2)
        native = tricolor("run", "tiny-map", "--cost", COST)
        self.assertEqual(native.returncode, 2)
        self.assertIn("--cost means nothing for a native run", native.stderr)


class Prediction(unittest.TestCase):
    def test_table_and_document(self):
        run = tricolor("run", "-", "--engine", "native,model", "--runs", "2",
                       text=json.dumps(SHARED))
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn("predicted", run.stdout)
        self.assertIn("error", run.stdout)
        run = tricolor("run", "-", "--engine", "native,model", "--runs", "2", "--json", "-",
                       text=json.dumps(SHARED))
        doc = json.loads(run.stdout)
        self.assertEqual(doc["schema"], "tricolor.predict/1")
        self.assertEqual(len(doc["results"]), 2)
        self.assertEqual(doc["errors"]["ops"]["count"]["error"], 0)
        wall = doc["errors"]["wall_ns"]
        self.assertAlmostEqual(wall["error"], wall["ratio"] - 1)

    def test_refused(self):
        for words in [["compare", "tiny-map", "--engine", "native,model"],
                      ["run", "tiny-map", "--engine", "model,native"],
                      ["run", "tiny-map", "--runs", "2"],
                      ["run", "tiny-map", "--engine", "native,model", "--gctrace"],
                      ["run", "tiny-map", "--engine", "native,model", "--collector", "boehm"]]:
            with self.subTest(words=words):
                self.assertEqual(tricolor(*words).returncode, 2)


if __name__ == "__main__":
    TRICOLOR, COST = sys.argv[1:3]
    ENGINES = Engines([word for word in sys.argv[3:] if "tricolor-" in word])
    unittest.main(argv=[sys.argv[0]])
