#!/usr/bin/env python3
"""Real Go as an engine, held against the engines in C.

usage: test_goengine.py GO CONFIGS TRICOLOR ENGINE...
    GO        the go tool; CONFIGS: the folder of shipped scenarios; TRICOLOR: the front end
    ENGINE    paths of tricolor-native-go, -none and -concurrent
"""
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "engine"))
from harness import Engines, merged, scale  # noqa: E402  pylint: disable=wrong-import-position

GO = CONFIGS = TRICOLOR = ENGINES = None
SOURCE = os.path.join(HERE, "..", "..", "sims", "goengine")

# What Go 1.19 allocates for a goroutine (its descriptor, the closure of the go statement), which
# our scheduler does not take from the heap; exact where nothing blocks and nothing is collected.
GOROUTINE_MALLOCS, GOROUTINE_BYTES = 2, 416 + 48
# Among several: wait queue entries, timers, growth of the scheduler's own tables.
SYSTEM_MALLOCS, SYSTEM_BYTES = 64, 16384


def scenario(body, **more):
    """One goroutine with that body; nothing is collected unless asked for."""
    base = {"name": "t", "runtime": {"procs": 2}, "gc": {"gogc": "off"},
            "goroutines": [{"name": "g", "body": body}]}
    return merged(base, more)


def config(name, **changes):
    with open(os.path.join(CONFIGS, name + ".json"), encoding="utf-8") as f:
        return merged(json.load(f), {"runtime": {"check": False}, **changes})


def paths(value, prefix=""):
    """Dotted paths of all members; elements of arrays count once."""
    if isinstance(value, dict):
        for key, member in value.items():
            yield from paths(member, prefix + "." + key)
    elif isinstance(value, list):
        for element in value[:1]:
            yield from paths(element, prefix + "[]")
    else:
        yield prefix


class Case(unittest.TestCase):
    """Runs things on real Go and on ours."""

    def go(self, what, status=0, args=()):
        run = ENGINES.run("native-go", what, args=args)
        self.assertEqual(run.status, status, run.stderr)
        return run

    def both(self, what, ours="native-none"):
        go, c = self.go(what), ENGINES.run(ours, what)
        self.assertEqual(c.status, 0, c.stderr)
        self.assertEqual(go.at("violations"), [])
        return go, c

    def compare(self, what, fields, ours="native-none"):
        """The fields of maps, lists, trees and channels, and the operations, are the same."""
        go, c = self.both(what, ours)
        self.assertEqual(go.at("ops.count"), c.at("ops.count"))
        for kind in ["lists", "trees", "channels"]:
            self.assertEqual(go.at(kind), c.at(kind), kind)
        for name, theirs in c.at("maps").items():
            for field in fields:
                self.assertEqual(go.at("maps")[name][field], theirs[field], name + "." + field)
        return go, c


MAP_FIELDS = ["count", "B", "growths", "same_size_growths", "bucket_bytes", "gets", "gets_found"]
# Where Go tells nothing more: sync.Map, and shards, whose sizes the hash seeds decide.
COUNT_FIELDS = ["count", "gets", "gets_found"]

KEYS = ["u64", "u32", "f64", "string"]
VALUES = [{"value": "inline"}, {"value": "inline", "value_bytes": 3},
          {"value": "inline", "value_bytes": 24}, {"value": "inline", "value_bytes": 128},
          {"value": "pointer", "value_bytes": 20}, {"value": "pointer"}, {"value": "unit"},
          {"value": "large", "value_bytes": 200}]


class Same(Case):
    """The same scenario does the same."""

    def test_shipped(self):
        for name in ["tiny-map", "tiny-churn", "tiny-channels"]:
            with self.subTest(name=name):
                self.compare(config(name), MAP_FIELDS, "native-concurrent")

    def test_growth(self):
        what = config("map-growth")
        what["goroutines"][0]["body"][0]["count"] = 100000
        go, c = self.compare(what, MAP_FIELDS, "native-concurrent")
        self.assertLessEqual(abs(go.at("gc.cycles") - c.at("gc.cycles")), 1)
        self.assertAlmostEqual(go.at("gc.mallocs") / c.at("gc.mallocs"), 1, delta=0.1)
        self.assertAlmostEqual(go.at("gc.bytes_allocated") / c.at("gc.bytes_allocated"), 1,
                               delta=0.05)

    def test_every_map(self):
        maps = {f"m{k}{v}": {"key": key, **value} for k, key in enumerate(KEYS)
                for v, value in enumerate(VALUES)}
        body = []
        for name in maps:
            body += [
                {"op": "map.put", "map": name, "count": 200},
                {"op": "map.get", "map": name, "count": 300, "keys": {"start": 50}},
                {"op": "map.delete", "map": name, "count": 60, "keys": {"step": 2}},
                {"op": "map.iterate", "map": name, "count": 2},
                {"op": "map.put", "map": name, "count": 30, "keys": {"start": 180, "step": 3}},
            ]
        self.compare(scenario(body, maps=maps), MAP_FIELDS)
        self.compare(scenario(body + [{"op": "map.clear", "map": name} for name in maps] +
                              [{"op": "map.put", "map": name, "count": 9} for name in maps],
                              maps=maps, gc={"gogc": 10}), MAP_FIELDS, "native-concurrent")

    def test_every_kind(self):
        """Maps behind locks, in shards and sync.Map, used by one goroutine and by several."""
        steps = [
            {"op": "map.put", "count": 700, "keys": {"per_goroutine": 700}},
            {"op": "map.get", "count": 300, "keys": {"start": 50, "per_goroutine": 700}},
            {"op": "map.delete", "count": 60, "keys": {"step": 2, "per_goroutine": 700}},
            {"op": "map.get", "count": 100, "keys": {"per_goroutine": 700}},
        ]
        for kind, fields in [("go-mutex", MAP_FIELDS), ("go-rwmutex", MAP_FIELDS),
                             ("sharded", COUNT_FIELDS), ("syncmap", COUNT_FIELDS)]:
            maps = {f"m{k}{v}": {"key": key, "kind": kind, **value} for k, key in enumerate(KEYS)
                    for v, value in enumerate(VALUES)}
            if kind == "sharded":
                maps = {name: {**m, "shards": 4} for name, m in maps.items()}
            body = [{**step, "map": name} for name in maps for step in steps]
            iterate = [{"op": "map.iterate", "map": name, "count": 2} for name in maps]
            with self.subTest(kind=kind):
                self.compare(scenario(body + iterate, maps=maps), fields)
                self.compare(merged(scenario(body, maps=maps, gc={"gogc": 50}), {
                    "goroutines": [{"name": "g", "count": 4, "body": body}]}), COUNT_FIELDS)
                if kind != "syncmap":
                    self.compare(scenario(body + [
                        {"op": "map.clear", "map": name} for name in maps], maps=maps), fields)

    def test_sync_map_allocates_alike(self):
        """The only difference is what Go allocates for a goroutine, and overflow buckets, which
        the hash seeds decide: each is an object of 208 bytes."""
        go, c = self.both(scenario([
            {"op": "map.put", "map": "m", "count": 50000},
            {"op": "map.put", "map": "m", "count": 5000, "keys": {"start": 100}},
            {"op": "map.get", "map": "m", "count": 50000}], maps={"m": {"kind": "syncmap"}}))
        mallocs = go.at("gc.mallocs") - c.at("gc.mallocs")
        bytes_ = go.at("gc.bytes_allocated") - c.at("gc.bytes_allocated")
        buckets = round(bytes_ / 208)
        self.assertLessEqual(abs(buckets), 400)
        self.assertLessEqual(abs(mallocs - buckets), 16)
        self.assertLessEqual(abs(bytes_ - 208 * buckets), 104)

    def test_hints_and_setup(self):
        self.compare(scenario(
            [{"op": "map.put", "map": name, "count": 100} for name in ["a", "b", "c"]],
            setup=[{"op": "map.put", "map": "c", "count": 1000}],
            maps={"a": {"hint": 100}, "b": {"hint": 5000}, "c": {}}), MAP_FIELDS)

    def test_same_size_growth(self):
        """Keys come and go, so that chains get long and sparse; when exactly depends on the
        hash seed."""
        what = scenario([{"op": "loop", "count": 200, "body": [
            {"op": "map.put", "map": "m", "count": 1600},
            {"op": "map.delete", "map": "m", "count": 1600}]}], maps={"m": {}})
        go, c = self.compare(what, ["count", "B"])
        for run in [go, c]:
            self.assertGreater(run.at("maps.m.same_size_growths"), 1)
            self.assertGreater(run.at("maps.m.evacuated_buckets"), 2 * 128)
            self.assertGreater(run.at("maps.m.overflow_allocated"), 300)

    def test_overflow(self):
        """Counted from outside as from inside: the mean over hash seeds is the same."""
        sums = {"native-go": 0, "native-none": 0}
        for name in sums:
            for seed in range(5):
                run = ENGINES.run(name, scenario([{"op": "map.put", "map": "m", "count": 6000}],
                                                 maps={"m": {}}, seed=seed))
                sums[name] += run.at("maps.m.overflow_allocated")
        self.assertAlmostEqual(sums["native-go"] / sums["native-none"], 1, delta=0.25)

    def test_things(self):
        self.compare(scenario([
            {"op": "list.push", "list": "q", "count": 1000},
            {"op": "list.pop", "list": "q", "count": 300},
            {"op": "list.walk", "list": "q", "count": 2},
            {"op": "list.pop", "list": "empty", "count": 5},
            {"op": "tree.build", "tree": "a", "depth": 9, "order": "top-down"},
            {"op": "tree.build", "tree": "b", "depth": 7, "order": "bottom-up", "count": 2},
            {"op": "tree.build", "depth": 5, "count": 3, "node_bytes": 48},
            {"op": "tree.walk", "tree": "a", "count": 2},
            {"op": "tree.drop", "tree": "b"},
            {"op": "gc"},
            {"op": "loop", "count": 20, "body": [
                {"op": "alloc", "bytes": 64, "pointers": 3, "count": 50, "keep": 10},
                {"op": "loop", "count": 3, "body": [{"op": "yield"}]}]},
            {"op": "compute", "ns": 2000, "count": 4},
            {"op": "compute", "ns": 3000, "safepoints": False},
            {"op": "sleep", "ns": "20us", "count": 2},
        ], lists={"q": {"node_bytes": 72}, "empty": {"node_bytes": 16}}, trees={"a": {}, "b": {}},
            gc={"gogc": 1}), [], "native-concurrent")

    def test_channels(self):
        self.compare({
            "name": "t", "runtime": {"procs": 3}, "mutexes": ["l"], "maps": {"m": {}},
            "channels": {"a": {"capacity": 3}, "b": {"capacity": 0}, "c": {"capacity": 9}},
            "goroutines": [
                {"name": "s", "count": 3, "body": [
                    {"op": "chan.send", "channel": "a", "count": 500},
                    {"op": "chan.send", "channel": "b", "count": 100},
                    {"op": "lock", "mutex": "l", "count": 50, "body": [
                        {"op": "map.put", "map": "m", "count": 3, "keys": {"per_goroutine": 40}},
                        {"op": "yield"}]}]},
                {"name": "r", "body": [
                    {"op": "chan.recv", "channel": "a", "count": 1500},
                    {"op": "chan.recv", "channel": "b", "count": 300},
                    {"op": "chan.send", "channel": "c", "count": 4},
                    {"op": "chan.close", "channel": "c"}]},
                {"name": "d", "body": [
                    {"op": "chan.recv", "channel": "c", "count": 2}]}]}, ["count", "gets"])

    def test_many_goroutines(self):
        what = {"name": "t", "runtime": {"procs": 2}, "goroutines": [
            {"name": "g", "count": 2000, "body": [{"op": "alloc", "bytes": 32, "count": 20}]}]}
        go, _ = self.compare(what, [])
        self.assertEqual(go.at("observed.count"), 40000)

    def test_duration(self):
        run = self.go(scenario([{"op": "loop", "duration_ns": "30ms", "body": [
            {"op": "compute", "ns": 1000}]}]))
        self.assertGreater(run.at("wall_ns"), 29.9e6)
        self.assertGreater(run.at("ops.count"), 10)


class Keys(Case):
    """Random keys are the same draw by draw: as many different ones, as many found."""

    def test_draws(self):
        dists = [{"dist": "uniform", "space": 700, "start": 5}] + [
            {"dist": "zipf", "space": 900, "theta": theta} for theta in [0.5, 0.99, 1.5, 4]]
        maps = {f"m{i}": {} for i in range(len(dists))}
        for seed in range(max(1, 12 * scale() // 100)):
            body = []
            for i, keys in enumerate(dists):
                body += [{"op": "map.put", "map": f"m{i}", "count": 300, "keys": keys},
                         {"op": "map.get", "map": f"m{i}", "count": 300, "keys": keys}]
            what = scenario([{"op": "lock", "mutex": "l", "count": 2, "body": body}], maps=maps,
                            mutexes=["l"], seed=seed * 0x9e3779b97f4a7c15 % 2**64)
            what["goroutines"].append(
                {"name": "h", "count": 2, "body": what["goroutines"][0]["body"]})
            with self.subTest(seed=seed):
                self.keys_equal(what)

    def keys_equal(self, what):
        go, c = self.both(what)
        for name in what["maps"]:
            for field in ["count", "gets"]:
                self.assertEqual(go.at("maps")[name][field], c.at("maps")[name][field])

    def test_found(self):
        """One goroutine: what it finds is determined, too."""
        for seed in range(max(1, 5 * scale() // 100)):
            body = [{"op": "loop", "count": 50, "body": [
                {"op": "map.put", "map": "m", "count": 7,
                 "keys": {"dist": dist, "space": 100000}},
                {"op": "map.get", "map": "m", "count": 30,
                 "keys": {"dist": dist, "space": 100000}}]} for dist in ["uniform", "zipf"]]
            with self.subTest(seed=seed):
                self.compare(scenario(body, maps={"m": {}}, seed=seed), ["count", "gets_found"])


class Memory(Case):
    """Allocations are equal to the byte, but for what Go needs for its goroutines."""

    def exact(self, what):
        """Never less than that; more in runs in which Go starts a thread, which takes a descriptor
        from the heap: there is a run without."""
        expected = (GOROUTINE_MALLOCS, GOROUTINE_BYTES)
        extra = None
        for _ in range(20):
            go, c = self.both(what)
            extra = (go.at("gc.mallocs") - c.at("gc.mallocs"),
                     go.at("gc.bytes_allocated") - c.at("gc.bytes_allocated"))
            self.assertGreaterEqual(extra, expected)
            if extra == expected:
                return
        self.fail(f"{extra} more than ours, {expected} expected")

    @staticmethod
    def is_go119():
        version = subprocess.run([GO, "env", "GOVERSION"], capture_output=True, text=True,
                                 check=True)
        return version.stdout.startswith("go1.19")

    def setUp(self):
        if not self.is_go119():
            self.skipTest("the sizes are those of Go 1.19")

    def test_objects(self):
        sizes = [(1, 0), (5, 0), (8, 0), (8, 1), (12, 0), (16, 0), (16, 1), (24, 3), (48, 2),
                 (100, 0), (1000, 0), (1024, 5), (2048, 256), (32768, 1), (33000, 0), (40000, 7),
                 (1000000, 100000)]
        self.exact(scenario([{"op": "alloc", "bytes": b, "pointers": p, "count": 20, "keep": i % 3}
                             for i, (b, p) in enumerate(sizes)]))

    def test_lists_and_trees(self):
        self.exact(scenario([
            {"op": "list.push", "list": "q", "count": 1000},
            {"op": "tree.build", "tree": "t", "depth": 8, "order": "bottom-up"},
            {"op": "tree.build", "depth": 8, "node_bytes": 40}],
            lists={"q": {"node_bytes": 72}}, trees={"t": {"node_bytes": 48}}))

    def test_maps(self):
        """Up to eight keys and with a hint, the hash seed decides nothing."""
        for key in KEYS:
            maps = {f"m{v}": {"key": key, **value} for v, value in enumerate(VALUES)}
            maps["hint"] = {"key": key, "hint": 1000}
            with self.subTest(key=key):
                self.exact(scenario([{"op": "map.put", "map": name, "count": 8} for name in maps],
                                    maps=maps))

    def test_collected(self):
        """The collector adds its workers, and frees what is dropped and nothing else."""
        go, c = self.both(scenario([
            {"op": "list.push", "list": "q", "count": 20000},
            {"op": "loop", "count": 50000, "body": [
                {"op": "list.push", "list": "q"}, {"op": "list.pop", "list": "q"}]},
            {"op": "gc"}], lists={"q": {}}, gc={"gogc": 50}), "native-concurrent")
        self.assertGreater(go.at("gc.cycles"), 1)
        for field, slack in [("mallocs", SYSTEM_MALLOCS), ("bytes_allocated", SYSTEM_BYTES)]:
            extra = go.at("gc." + field) - c.at("gc." + field)
            self.assertTrue(0 <= extra <= slack, f"{field}: {extra} more than ours")
        self.assertAlmostEqual(go.at("gc.heap_live_bytes_last"), 20000 * 64, delta=400000)
        self.assertEqual(go.at("lists"), c.at("lists"))


class Result(Case):
    """The document has the members of ours, and its numbers fit together."""

    WHAT = dict(gc={"gogc": 20}, maps={"m": {}}, lists={"q": {}}, trees={"t": {}},
                channels={"c": {"capacity": 9}})
    BODY = [{"op": "map.put", "map": "m", "count": 40000},
            {"op": "tree.build", "tree": "t", "depth": 12, "count": 60},
            {"op": "list.push", "list": "q", "count": 100},
            {"op": "chan.send", "channel": "c", "count": 3}, {"op": "gc"}]

    def test_members(self):
        go, c = self.both(scenario(self.BODY, **self.WHAT), "native-concurrent")
        theirs, ours = go.result, c.result
        for document in [theirs, ours]:  # one of them is as it came, one has notes
            del document["config"], document["notes"]
        self.assertEqual(set(paths(theirs)), set(paths(ours)))

    def test_cycles_and_pauses(self):
        run = self.go(scenario(self.BODY, **self.WHAT), args=["--gctrace", "--run", "2/3"])
        cycles = run.at("gc.cycle_list")
        self.assertEqual(run.at("run"), "2/3")
        self.assertEqual(len(run.of_type("gctrace")), len(cycles))
        self.assertGreater(len(cycles), 3)
        self.assertTrue(cycles[-1]["forced"])
        self.assertEqual([c["number"] for c in cycles], list(range(1, len(cycles) + 1)))
        for c in cycles:
            self.assertLessEqual(c["start_ns"], c["mark_ns"])
            self.assertLessEqual(c["mark_ns"], c["mark_term_ns"])
            self.assertLessEqual(c["mark_term_ns"], c["end_ns"])
            self.assertLessEqual(c["heap_marked_bytes"], c["heap_end_bytes"] + 2**20)
        self.assertEqual(run.at("pauses.count"), 2 * run.at("gc.cycles"))
        self.assertEqual(run.at("gc.forced_cycles"), 1)
        self.assertGreaterEqual(run.at("pauses.max_ns"), run.at("pauses.p50_ns"))
        self.assertGreater(run.at("pauses.p50_ns"), 0)
        mmu = [point["utilisation"] for point in run.at("mmu")]
        self.assertLessEqual(mmu[0], mmu[-1])
        self.assertTrue(all(0 <= u <= 1 for u in mmu))
        self.assertEqual(run.at("observed.count"), 40000 + 60 + 100 + 3 +
                         60 * (2**13 - 2) // 64)

    def test_settings(self):
        """GOGC and the memory limit reach the runtime, and only they do."""
        def cycles(**gc):
            return self.go(scenario([{"op": "alloc", "bytes": 4096, "count": 6000}], gc=gc)
                           ).at("gc.cycles")
        few, many, limited = cycles(gogc=400), cycles(gogc=25), cycles(
            gogc="off", memory_limit_bytes="14MiB")
        self.assertEqual(cycles(gogc="off"), 0)
        self.assertGreater(many, few)
        self.assertGreater(limited, 2)
        os.environ["GOGC"] = "1"
        self.addCleanup(os.environ.pop, "GOGC")
        self.assertEqual(cycles(gogc="off"), 0)


class Refusals(Case):
    """What real Go cannot do is said, a line for each, and nothing runs."""

    CASES = [
        ({"gc": {"barrier": {"kind": "dijkstra"}}}, "gc.barrier.kind"),
        ({"gc": {"barrier": {"buffer_entries": 0}}}, "gc.barrier.buffer_entries"),
        ({"gc": {"pacer": {"kind": "fixed"}}}, "gc.pacer.kind"),
        ({"gc": {"assist": False}}, "gc.assist"),
        ({"gc": {"globals_bytes": 4096}}, "gc.globals_bytes"),
        ({"gc": {"globals_extra_ns": 10}}, "gc.globals_extra_ns"),
        ({"gc": {"startup_bytes": 4096}}, "gc.startup_bytes"),
        ({"gc": {"startup_garbage_bytes": 4096}}, "gc.startup_garbage_bytes"),
        ({"gc": {"alloc_extra_ns": 10}}, "gc.alloc_extra_ns"),
        ({"gc": {"huge_pages": "none"}}, "gc.huge_pages"),
        ({"gc": {"faults": {"drop_barrier": 5}}}, "gc.faults"),
        ({"runtime": {"check": True}}, "runtime.check"),
        ({"runtime": {"memory_cap_bytes": "64MiB"}}, "runtime.memory_cap_bytes"),
        ({"faults": ["lost-write"]}, "faults"),
        ({"maps": {"m": {"kind": "swiss"}}}, "maps.m.kind"),
        ({"gc": {"mode": "stw"}}, "gc.mode"),
        ({"job": "explore"}, "job"),
        ({"choose": {"heap": [1, 2]}}, "choose"),
    ]
    # The operations of such a scenario mean nothing here, so that this alone is said.
    ALONE = ({"objects": {"a": {"fields": 1}}}, "objects")

    def test_each_and_all(self):
        everything = scenario([{"op": "yield"}])
        for change, place in self.CASES + [self.ALONE]:
            run = self.go(scenario([{"op": "yield"}], **change), status=2)
            self.assertEqual(len(run.stderr.splitlines()), 1, run.stderr)
            self.assertTrue(run.stderr.startswith(place + ":"), run.stderr)
            self.assertEqual(run.stdout, "")
            if (change, place) != self.ALONE:
                everything = merged(everything, change)
        self.assertEqual(len(self.go(everything, status=2).stderr.splitlines()), len(self.CASES))

    def test_defaults_pass(self):
        self.go(scenario([{"op": "yield"}], faults=[], gc={
            "gogc": 100, "memory_limit_bytes": "none", "assist": True, "globals_bytes": 0,
            "barrier": {"kind": "hybrid", "buffer_entries": 256}, "pacer": {"kind": "go1.19"},
            "boehm": {"markers": 2}}, runtime={"memory_cap_bytes": "none", "check": False}))

    def test_no_scenario(self):
        for text in ["", "[]", "{", "null", '{"name": 3}',
                     '{"goroutines":[{"body":[{"op":"fly"}]}]}',
                     '{"goroutines":[{"body":[{"op":"map.put","map":"m"}]}]}',
                     '{"goroutines":[{"body":[{"op":"sleep","ns":-1}]}]}']:
            with self.subTest(text=text):
                self.assertNotEqual(self.go(text, status=2).stderr, "")
        self.assertIn("--events", self.go("{}", status=2, args=["--events", "x"]).stderr)
        self.assertIn("--fly", self.go("{}", status=2, args=["--fly"]).stderr)


class Ends(Case):
    """Runs that do not come to their end."""

    def died(self, what, status, kind, text):
        run = self.go(what, status=status)
        self.assertTrue(run.at("partial"))
        violation, = run.at("violations")
        self.assertEqual((violation["kind"], violation["text"]), (kind, text))
        return run

    def test_concurrent_writes(self):
        run = self.died({
            "name": "t", "runtime": {"procs": 2}, "maps": {"m": {"allow_races": True}},
            "goroutines": [{"name": "w", "count": 4, "body": [
                {"op": "map.put", "map": "m", "count": 100000000, "keys": {"space": 1000,
                                                                          "dist": "uniform"}}]}]},
            1, "fatal", "concurrent map writes")
        self.assertEqual(run.at("violations")[0]["doing"], "goroutine w: map.put m")
        self.assertIn("fatal error: concurrent map writes", run.stderr)

    def test_deadlock(self):
        self.died(scenario([{"op": "alloc", "bytes": 8}, {"op": "chan.recv", "channel": "c"}],
                           channels={"c": {}}),
                  1, "deadlock", "all goroutines are asleep - deadlock!")

    def test_closed(self):
        run = self.died(scenario([{"op": "chan.close", "channel": "c"},
                                  {"op": "chan.send", "channel": "c"}], channels={"c": {}}),
                        1, "fatal", "send on closed channel")
        self.assertEqual(run.at("ops.count"), 1)

    LONG = scenario([{"op": "loop", "duration_ns": "60s", "body": [
        {"op": "alloc", "bytes": 64, "keep": 10000}]}], gc={"gogc": 100})

    def test_terminated(self):
        run = ENGINES.run_and_terminate("native-go", self.LONG, 0.8)
        self.assertEqual(run.status, 3, run.stderr)
        self.assertTrue(run.at("partial"))
        self.assertEqual(run.at("violations")[0]["kind"], "stopped")
        for path in ["ops.count", "gc.cycles", "wall_ns", "cpu_ns", "observed.max_ns",
                     "max_rss_bytes", "pauses.count"]:
            self.assertGreater(run.at(path), 0, path)
        self.assertEqual(run.of_type("progress")[-1]["what"], "goroutine g: alloc")

    def test_killed(self):
        """Nothing of it survives."""
        with subprocess.Popen([ENGINES.paths["native-go"]], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as watcher:
            watcher.stdin.write(json.dumps(self.LONG).encode())
            watcher.stdin.close()
            watcher.stdin = None
            watcher.stdout.readline()  # progress: it runs
            with open(f"/proc/{watcher.pid}/task/{watcher.pid}/children", encoding="ascii") as f:
                child = int(f.read())
            watcher.send_signal(signal.SIGKILL)
            watcher.communicate(timeout=30)
        for _ in range(200):
            if not self.runs(child):
                return
            time.sleep(0.05)
        self.fail(f"process {child} goes on")

    @staticmethod
    def runs(pid):
        try:
            with open(f"/proc/{pid}/stat", encoding="ascii") as f:
                return f.read().rsplit(")", 1)[1].split()[0] != "Z"
        except OSError:
            return False


class FrontEnd(unittest.TestCase):
    """tricolor knows it."""

    @staticmethod
    def tricolor(*words, **env):
        return subprocess.run([TRICOLOR, *words], capture_output=True, text=True, timeout=120,
                              check=False, env={**os.environ, **env})

    def test_run_and_compare(self):
        small = ["--set", "runtime.check=false", "--json", "-"]
        done = self.tricolor("run", os.path.join(CONFIGS, "tiny-map.json"), "--collector", "go",
                             *small)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["collector"], "go")
        done = self.tricolor("compare", os.path.join(CONFIGS, "tiny-map.json"), "--with",
                             "none,go", "--runs", "2", *small)
        self.assertEqual(done.returncode, 0, done.stderr)
        document = json.loads(done.stdout)
        self.assertTrue(document["complete"])
        self.assertEqual(document["collectors"]["go"]["finished"], 2)
        self.assertEqual(document["collectors"]["go"]["median"]["maps"]["numbers"]["B"], 9)

    def test_refused(self):
        path = os.path.join(CONFIGS, "tiny-map.json")
        done = self.tricolor("run", path, "--collector", "go", "--set", "runtime.check=true")
        self.assertEqual(done.returncode, 2)
        self.assertIn("runtime.check: real Go has no heap verifier", done.stderr)
        done = self.tricolor("run", path, "--collector", "go", "--engine", "model")
        self.assertEqual(done.returncode, 2)
        self.assertIn("exists on native only", done.stderr)

    def test_not_built(self):
        with tempfile.TemporaryDirectory() as empty:
            done = self.tricolor("run", os.path.join(CONFIGS, "tiny-map.json"), "--collector", "go",
                                 TRICOLOR_LIBEXEC=empty)
        self.assertEqual(done.returncode, 2)
        self.assertIn("apt-get install golang-1.19-go", done.stderr)


class Source(unittest.TestCase):
    """The Go source is as the Go tools want it."""

    def test_gofmt(self):
        root = subprocess.run([GO, "env", "GOROOT"], capture_output=True, text=True, check=True)
        gofmt = os.path.join(root.stdout.strip(), "bin", "gofmt")
        if not os.path.exists(gofmt):
            self.skipTest("this toolchain has no gofmt")
        done = subprocess.run([gofmt, "-l", SOURCE], capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)

    def test_vet(self):
        cache = os.path.join(os.path.dirname(ENGINES.paths["native-go"]), "go-cache")
        env = {**os.environ, "GO111MODULE": "off", "GOFLAGS": "", "CGO_ENABLED": "0",
               "GOCACHE": cache}
        done = subprocess.run([GO, "vet", "."], cwd=SOURCE, env=env, capture_output=True,
                              text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    GO, CONFIGS, TRICOLOR = sys.argv[1:4]
    ENGINES = Engines([os.path.abspath(path) for path in sys.argv[4:]])
    unittest.main(argv=sys.argv[:1], verbosity=1)
