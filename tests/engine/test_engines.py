#!/usr/bin/env python3
"""The engines as programs: a scenario goes in on standard input, a result comes out.

usage: test_engines.py ENGINE...      paths of tricolor-PLATFORM-COLLECTOR executables
"""
import re
import sys
import unittest

sys.dont_write_bytecode = True
from harness import Engines, merged

ENGINES = None
ALL = ["native-none", "native-concurrent", "native-boehm", "model-none", "model-concurrent"]


def scenario(body, **more):
    """One goroutine with that body, and the heap checked."""
    base = {"name": "t", "runtime": {"procs": 2},
            "goroutines": [{"name": "g", "body": body}]}
    return merged(base, more)


def each_engine():
    return [name for name in ALL if ENGINES.has(name)]


class Operations(unittest.TestCase):
    """Every kind of operation does what it says, on every engine."""

    def check(self, what, expected):
        for engine in each_engine():
            with self.subTest(engine=engine):
                run = ENGINES.run(engine, what)
                self.assertEqual(run.status, 0, run.stderr)
                self.assertEqual(run.at("violations"), [])
                for path, value in expected.items():
                    self.assertEqual(run.at(path), value, path)

    def test_map_put_get_delete(self):
        self.check(scenario([
            {"op": "map.put", "map": "m", "count": 1000},
            {"op": "map.put", "map": "m", "count": 500, "keys": {"start": 900}},
            {"op": "map.get", "map": "m", "count": 2000, "keys": {"start": 100}},
            {"op": "map.delete", "map": "m", "count": 100, "keys": {"step": 2}},
        ], maps={"m": {"key": "u64"}}), {
            "maps.m.count": 1300, "maps.m.gets": 2000, "maps.m.gets_found": 1300,
            "maps.m.B": 8, "maps.m.growths": 8, "ops.count": 3600})

    def test_map_kinds(self):
        for key in ["u64", "u32", "f64", "string"]:
            for value in [{"value": "inline"}, {"value": "inline", "value_bytes": 3},
                          {"value": "pointer", "value_bytes": 20}, {"value": "unit"},
                          {"value": "large", "value_bytes": 200}]:
                with self.subTest(key=key, value=value):
                    self.check(scenario([
                        {"op": "map.put", "map": "m", "count": 200},
                        {"op": "map.get", "map": "m", "count": 300},
                        {"op": "map.iterate", "map": "m"},
                    ], maps={"m": {"key": key, **value}}, runtime={"check": False}), {
                        "maps.m.count": 200, "maps.m.gets_found": 200, "ops.count": 501})

    def test_map_clear_and_setup(self):
        self.check(scenario([
            {"op": "map.clear", "map": "a"},
            {"op": "map.put", "map": "a", "count": 7},
        ], setup=[{"op": "map.put", "map": "a", "count": 100},
                  {"op": "map.put", "map": "b", "count": 50}],
           maps={"a": {"key": "u64"}, "b": {"key": "string"}}), {
               "maps.a.count": 7, "maps.b.count": 50, "ops.count": 8})

    def test_keys_of_goroutines_and_loops(self):
        self.check({
            "name": "t", "runtime": {"procs": 2},
            "maps": {"m": {"key": "u64"}}, "mutexes": ["l"],
            "goroutines": [{"name": "g", "count": 4, "body": [
                {"op": "loop", "count": 10, "body": [
                    {"op": "lock", "mutex": "l", "body": [
                        {"op": "map.put", "map": "m", "count": 5,
                         "keys": {"per_goroutine": 1000}}]}]}]}]},
            {"maps.m.count": 200, "ops.count": 200})

    def test_lists(self):
        self.check(scenario([
            {"op": "list.push", "list": "q", "count": 100},
            {"op": "list.pop", "list": "q", "count": 30},
            {"op": "list.walk", "list": "q", "count": 2},
            {"op": "list.pop", "list": "empty", "count": 5},
            {"op": "list.push", "list": "drained", "count": 3},
            {"op": "list.pop", "list": "drained", "count": 9},
            {"op": "list.push", "list": "drained", "count": 2},
        ], lists={"q": {"node_bytes": 64}, "empty": {"node_bytes": 16},
                  "drained": {"node_bytes": 24}}), {
                      "lists.q.nodes": 70, "lists.q.pushed": 100, "lists.q.popped": 30,
                      "lists.empty.nodes": 0, "lists.empty.popped": 0,
                      "lists.drained.nodes": 2, "lists.drained.popped": 3, "ops.count": 151})

    def test_trees(self):
        self.check(scenario([
            {"op": "tree.build", "tree": "a", "depth": 5, "order": "top-down"},
            {"op": "tree.build", "tree": "b", "depth": 7, "order": "bottom-up", "count": 2},
            {"op": "tree.build", "tree": "c", "depth": 0},
            {"op": "tree.build", "tree": "d", "depth": 3},
            {"op": "tree.drop", "tree": "d"},
            {"op": "tree.walk", "tree": "a"},
            {"op": "tree.build", "depth": 4, "count": 3, "node_bytes": 48},
        ], trees={"a": {}, "b": {"node_bytes": 16}, "c": {}, "d": {}}), {
            "trees.a.nodes": 63, "trees.b.nodes": 255, "trees.b.built": 2, "trees.c.nodes": 1,
            "trees.d.nodes": 0, "ops.count": 10})

    def test_alloc(self):
        what = scenario([
            {"op": "alloc", "bytes": 64, "count": 1000},
            {"op": "alloc", "bytes": 48, "pointers": 2, "count": 500, "keep": 7},
            {"op": "alloc", "bytes": 100000, "pointers": 3, "count": 4},
            {"op": "alloc", "bytes": 5, "count": 10},
        ])
        self.check(what, {"ops.count": 1514})
        run = ENGINES.run("native-none", what)
        bytes_allocated = run.at("gc.bytes_allocated")
        expected = 1000 * 64 + 500 * 48 + 4 * 106496 + 10 * 5
        self.assertTrue(expected <= bytes_allocated <= expected + 4000, bytes_allocated)

    def test_channels(self):
        self.check({
            "name": "t", "runtime": {"procs": 2},
            "channels": {"a": {"capacity": 0}, "b": {"capacity": 10}, "c": {"capacity": 4}},
            "goroutines": [
                {"name": "send", "body": [
                    {"op": "chan.send", "channel": "a", "count": 100},
                    {"op": "chan.send", "channel": "b", "count": 5},
                    {"op": "chan.send", "channel": "c", "count": 30},
                    {"op": "chan.close", "channel": "c"}]},
                {"name": "recv", "body": [
                    {"op": "chan.recv", "channel": "a", "count": 100},
                    {"op": "chan.recv", "channel": "c", "count": 1000}]}]},
            {"channels.a.sum_received": 4950, "channels.a.received": 100, "channels.a.waiting": 0,
             "channels.b.sent": 5, "channels.b.waiting": 5, "channels.c.received": 30,
             "channels.c.sum_received": 435, "ops.count": 266})

    def test_time_and_control(self):
        self.check(scenario([
            {"op": "sleep", "ns": "1ms", "count": 3},
            {"op": "compute", "ns": "20us", "count": 5},
            {"op": "compute", "ns": "20us", "safepoints": False},
            {"op": "yield", "count": 10},
            {"op": "gc", "count": 2},
            {"op": "loop", "count": 3, "body": [{"op": "loop", "count": 4, "body": [
                {"op": "yield"}]}]},
        ]), {"ops.count": 33})

    def test_duration(self):
        for engine in each_engine():
            run = ENGINES.run(engine, scenario([
                {"op": "loop", "duration_ns": "30ms", "body": [{"op": "alloc", "bytes": 16}]}]))
            self.assertEqual(run.status, 0, run.stderr)
            self.assertGreaterEqual(run.at("wall_ns"), 30_000_000)
            self.assertGreater(run.at("ops.count"), 100)

    def test_sleep_is_no_gap_and_takes_its_time(self):
        for engine in each_engine():
            run = ENGINES.run(engine, scenario([{"op": "sleep", "ns": "50ms"}]))
            self.assertGreaterEqual(run.at("wall_ns"), 50_000_000)
            if engine.startswith("model"):
                self.assertLess(run.at("observed.max_ns"), 1_000_000)

    def test_forced_cycles(self):
        for engine in filter(ENGINES.has, ["native-concurrent", "model-concurrent", "native-boehm"]):
            run = ENGINES.run(engine, scenario([{"op": "gc", "count": 3}]))
            self.assertEqual(run.at("gc.forced_cycles"), 3)
            self.assertGreaterEqual(run.at("gc.cycles"), 3)
            self.assertGreaterEqual(run.at("pauses.count"), 3)


class Model(unittest.TestCase):
    """The model engine is deterministic, down to the byte."""

    SCENARIO = {
        "name": "t", "runtime": {"procs": 3}, "gc": {"gogc": 20},
        "maps": {"m": {"key": "string", "value": "pointer"}}, "mutexes": ["l"],
        "channels": {"c": {"capacity": 2}},
        "goroutines": [
            {"name": "a", "count": 3, "body": [{"op": "loop", "count": 30, "body": [
                {"op": "lock", "mutex": "l", "body": [
                    {"op": "map.put", "map": "m", "count": 10,
                     "keys": {"dist": "zipf", "space": 500}}]},
                {"op": "alloc", "bytes": 4000, "pointers": 5, "count": 4},
                {"op": "chan.send", "channel": "c"}]}]},
            {"name": "b", "body": [{"op": "loop", "count": 90, "body": [
                {"op": "chan.recv", "channel": "c"}, {"op": "sleep", "ns": "2us"},
                {"op": "compute", "ns": "3us"}]}]},
            {"name": "c", "body": [{"op": "gc", "count": 2}, {"op": "yield", "count": 5}]}]}

    def test_same_seed_same_bytes(self):
        one = ENGINES.run("model-concurrent", self.SCENARIO, events=True)
        two = ENGINES.run("model-concurrent", self.SCENARIO, events=True)
        self.assertEqual(one.status, 0, one.stderr)
        self.assertGreater(len(one.events.splitlines()), 500)
        self.assertEqual(one.at("events.dropped"), 0)
        self.assertEqual(one.stdout, two.stdout)
        self.assertEqual(one.events, two.events)

    def test_other_seed_other_run(self):
        one = ENGINES.run("model-concurrent", self.SCENARIO, events=True)
        two = ENGINES.run("model-concurrent", {**self.SCENARIO, "seed": 2}, events=True)
        self.assertEqual(two.status, 0, two.stderr)
        self.assertNotEqual(one.events, two.events)

    def test_the_log_changes_nothing(self):
        logged = ENGINES.run("model-concurrent", self.SCENARIO, events=True)
        one, two = logged.result, ENGINES.run("model-concurrent", self.SCENARIO).result
        self.assertGreater(len(logged.events.splitlines()), 500)
        self.assertIsNone(one["events"]["logged"])
        self.assertEqual(one, two)

    def test_nothing_of_this_machine(self):
        run = ENGINES.run("model-concurrent", self.SCENARIO)
        self.assertIsNone(run.at("max_rss_bytes"))
        self.assertEqual(run.of_type("progress"), [])

    def test_processors_shorten_virtual_time(self):
        body = [{"op": "compute", "ns": "1ms", "count": 5}]
        walls = []
        for procs in [1, 4]:
            run = ENGINES.run("model-concurrent", {
                "name": "t", "runtime": {"procs": procs},
                "goroutines": [{"name": "g", "count": 4, "body": body}]})
            walls.append(run.at("wall_ns"))
        self.assertTrue(19e6 < walls[0] < 23e6, walls)
        self.assertTrue(5e6 <= walls[1] < 6e6, walls)


class Protocol(unittest.TestCase):
    """What is written, in which order, with which status."""

    FIELDS = """scenario engine collector seed wall_ns cpu_ns max_rss_bytes ops.count
        ops.ns_per_op gc.cycles gc.assists gc.assist_ns gc.cpu_fraction gc.heap_goal_bytes_last
        gc.heap_live_bytes_peak gc.wb_flushes gc.mark_restarts gc.bytes_allocated gc.mallocs
        pauses.count pauses.total_ns pauses.p50_ns pauses.p90_ns pauses.p99_ns pauses.p999_ns
        pauses.max_ns pauses.time_to_stop.p50_ns pauses.time_to_stop.p99_ns
        pauses.time_to_stop.max_ns observed.p50_ns observed.p99_ns observed.p999_ns
        observed.p9999_ns observed.max_ns mmu maps.m.count maps.m.B maps.m.noverflow
        maps.m.growths maps.m.same_size_growths maps.m.overflow_allocated
        maps.m.evacuated_buckets violations""".split()
    PUTS = scenario([{"op": "map.put", "map": "m", "count": 20000}],
                    maps={"m": {"key": "u64", "value": "pointer"}})

    def test_fields(self):
        for engine in each_engine():
            run = ENGINES.run(engine, self.PUTS)
            self.assertEqual(run.at("schema"), "tricolor.result/1")
            for path in self.FIELDS:
                run.at(path)
            platform, collector = engine.split("-")
            self.assertEqual((run.at("engine"), run.at("collector")), (platform, collector))
            windows = [m["window_ns"] for m in run.at("mmu")]
            self.assertEqual(windows, [10 ** k for k in range(4, 10)])
            for m in run.at("mmu"):
                self.assertTrue(0 <= m["utilisation"] <= 1)
            self.assertEqual(run.at("config.maps.m.value"), "pointer")

    def test_gctrace(self):
        pattern = re.compile(
            r"gc \d+ @\d+\.\d{3}s \d+%: [\d.]+\+[\d.]+\+[\d.]+ ms clock, "
            r"[\d.]+\+[\d.]+/[\d.]+/[\d.]+\+[\d.]+ ms cpu, \d+->\d+->\d+ MB, \d+ MB goal, "
            r"\d+ MB stacks, \d+ MB globals, 2 P( \(forced\))?$")
        what = scenario([{"op": "gc", "count": 2},
                         {"op": "alloc", "bytes": 65536, "count": 300}])
        for engine in ["native-concurrent", "model-concurrent"]:
            run = ENGINES.run(engine, what, ["--gctrace"])
            lines = [line["line"] for line in run.of_type("gctrace")]
            self.assertEqual(len(lines), run.at("gc.cycles"))
            self.assertEqual(len(lines), len(run.at("gc.cycle_list")))
            for line in lines:
                self.assertRegex(line, pattern)
            self.assertTrue(lines[0].startswith("gc 1 @") and lines[0].endswith("(forced)"))
            self.assertEqual(run.lines[-1]["type"], "result")

    def test_progress(self):
        run = ENGINES.run("native-none", scenario([{"op": "compute", "ns": "1ms", "count": 700}]),
                          ["--run", "3/10"])
        lines = run.of_type("progress")
        self.assertGreaterEqual(len(lines), 1)
        self.assertTrue(all(0 <= line["done"] <= 1 for line in lines))
        self.assertEqual(lines[0]["what"], "goroutine g: compute")
        self.assertEqual(lines[0]["phase"], "run")
        self.assertEqual(run.at("run"), "3/10")

    def test_refusals(self):
        cases = [("{", []), ("{\"name\": 5}", []), (self.PUTS, ["--nonsense"]),
                 (self.PUTS, ["--events", "/nonexistent/folder/log"])]
        for text, args in cases:
            run = ENGINES.run("native-none", text, args)
            self.assertEqual((run.status, run.stdout), (2, ""))
            self.assertNotEqual(run.stderr, "")
        if ENGINES.has("native-boehm"):
            run = ENGINES.run("native-boehm", merged(self.PUTS, {"runtime": {"check": True}}))
            self.assertEqual((run.status, run.stdout), (2, ""))
            self.assertIn("boehm", run.stderr)

    def test_largest_seed_is_exact(self):
        run = ENGINES.run("native-none", {**self.PUTS, "seed": 2 ** 64 - 1})
        self.assertEqual(run.at("seed"), 2 ** 64 - 1)
        self.assertEqual(run.at("config.seed"), 2 ** 64 - 1)


class Ends(unittest.TestCase):
    """Runs that end before their end leave a partial result that says why."""

    def check(self, run, status, kind, text, doing):
        self.assertEqual(run.status, status, run.stderr)
        self.assertTrue(run.at("partial"))
        (violation,) = run.at("violations")
        self.assertEqual(violation["kind"], kind)
        self.assertIn(text, violation["text"])
        if doing is not None:
            self.assertIn(doing, violation["doing"])
        self.assertIsNone(run.at("gc.mallocs"))
        self.assertEqual(run.at("scenario"), "t")

    def test_memory_cap(self):
        what = scenario([{"op": "list.push", "list": "q", "count": 10 ** 6}],
                        lists={"q": {"node_bytes": 64}},
                        runtime={"memory_cap_bytes": "20MiB"})
        for engine in each_engine():
            if engine == "native-boehm":
                continue
            with self.subTest(engine=engine):
                run = ENGINES.run(engine, what)
                self.check(run, 3, "memory_cap", "memory cap", "goroutine g: list.push q")
                self.assertTrue(50000 < run.at("ops.count") < 10 ** 6)

    def test_concurrent_map_writes(self):
        what = {"name": "t", "runtime": {"procs": 4},
                "maps": {"m": {"key": "u64", "allow_races": True}},
                "goroutines": [{"name": "g", "count": 4, "body": [
                    {"op": "map.put", "map": "m", "count": 10 ** 7,
                     "keys": {"dist": "uniform", "space": 100}}]}]}
        for engine in each_engine():
            with self.subTest(engine=engine):
                run = ENGINES.run(engine, what)
                self.check(run, 1, "fatal", "concurrent map", "goroutine g: map.put m")

    def test_deadlock(self):
        what = scenario([{"op": "chan.recv", "channel": "c"}], channels={"c": {"capacity": 0}})
        for engine in each_engine():
            with self.subTest(engine=engine):
                run = ENGINES.run(engine, what)
                self.check(run, 1, "deadlock", "asleep", None)

    def test_terminated(self):
        what = scenario([{"op": "loop", "duration_ns": "100s", "body": [
            {"op": "alloc", "bytes": 64, "count": 10}]}])
        run = ENGINES.run_and_terminate("native-concurrent", what, 0.5)
        self.check(run, 3, "stopped", "asked to end", None)
        self.assertGreater(run.at("ops.count"), 1000)

    def test_closed_channel(self):
        what = scenario([{"op": "chan.close", "channel": "c"}, {"op": "chan.close", "channel": "c"}],
                        channels={"c": {"capacity": 0}})
        run = ENGINES.run("native-none", what)
        self.check(run, 1, "fatal", "close of closed channel", "goroutine g: chan.close c")


if __name__ == "__main__":
    ENGINES = Engines([word for word in sys.argv[1:] if "tricolor-" in word])
    unittest.main(argv=[sys.argv[0]] + [w for w in sys.argv[1:] if "tricolor-" not in w])
