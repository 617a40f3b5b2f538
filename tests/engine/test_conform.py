#!/usr/bin/env python3
"""Event logs and the design's state machine: every run's log fits, a changed one does not.

usage: test_conform.py TRICOLOR ENGINE...    ENGINE: paths of tricolor-PLATFORM-COLLECTOR
"""
import os
import random
import re
import subprocess
import sys
import tempfile
import unittest

TRICOLOR = None
ENGINES = []
SCENARIOS = ["tiny-map", "tiny-churn", "tiny-channels"]
LARGER = ["map-growth", "gcbench", "tight-loop-stw", "fidelity-lock", "fidelity-shards"]
SEED = 27993


def conform(path):
    run = subprocess.run([TRICOLOR, "conform", path], stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True, check=False)
    return run.returncode, run.stdout + run.stderr


def log_of(folder, scenario, platform, collector, *more):
    path = os.path.join(folder, f"{scenario}-{platform}-{collector}.log")
    run = subprocess.run([TRICOLOR, "run", scenario, "--engine", platform, "--collector", collector,
                          "--events", path, *more], stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return path


class Fits(unittest.TestCase):
    """Runs of the standard scenarios, on every engine."""

    def test_runs(self):
        for engine in ENGINES:
            platform, collector = engine.split("-")
            if collector == "races":  # the concurrent one again, for explore alone
                continue
            for scenario in SCENARIOS:
                for seed in ("1", "2"):
                    with self.subTest(engine=engine, scenario=scenario, seed=seed), \
                            tempfile.TemporaryDirectory() as folder:
                        check = "true" if collector == "concurrent" else "false"
                        path = log_of(folder, scenario, platform, collector, "--seed", seed,
                                      "--set", f"runtime.check={check}")
                        status, text = conform(path)
                        self.assertEqual(status, 0, text)

    def test_larger_runs(self):
        if "native-concurrent" not in ENGINES:
            self.skipTest("no native engine")
        for scenario in LARGER:
            with self.subTest(scenario=scenario), tempfile.TemporaryDirectory() as folder:
                status, text = conform(log_of(folder, scenario, "native", "concurrent"))
                self.assertEqual(status, 0, text)

    def test_full_rings_lose_nothing(self):
        """With so many processors rings are small, and full before they are read."""
        if "native-concurrent" not in ENGINES:
            self.skipTest("no native engine")
        with tempfile.TemporaryDirectory() as folder:
            path = log_of(folder, "churn-64mib", "native", "concurrent", "--set", "runtime.procs=65")
            with open(path, encoding="utf-8") as file:
                lines = file.readlines()
            self.assertGreater(len(lines), 50000)
            self.assertFalse([line for line in lines if line.startswith("#")])
            status, text = conform(path)
            self.assertEqual(status, 0, text)

    def test_procs(self):
        for procs in (1, 3, 8):
            for engine in ("native-concurrent", "model-concurrent"):
                if engine not in ENGINES:
                    continue
                with self.subTest(engine=engine, procs=procs), \
                        tempfile.TemporaryDirectory() as folder:
                    path = log_of(folder, "tiny-churn", engine.split("-")[0], "concurrent", "--set",
                                  f"runtime.procs={procs}")
                    status, text = conform(path)
                    self.assertEqual(status, 0, text)
                    self.assertRegex(text, r"[1-9]\d* collections")


class Event:
    def __init__(self, line):
        time, ring, self.name, goroutine, a, b = line.split()
        self.time, self.ring, self.goroutine = int(time), int(ring), int(goroutine)
        self.a, self.b = int(a), int(b)

    def __str__(self):
        return f"{self.time} {self.ring} {self.name} {self.goroutine} {self.a} {self.b}"


# A small log by hand: two Ps, a collection with a restart, goroutines that come and go.
LOG = """\
10 0 go_create 0 1 0
20 0 go_run 1 1 0
30 0 go_create 1 2 0
40 0 go_create 1 3 0
50 0 go_create 1 4 0
60 0 map_grow 1 1 8
70 0 map_grow_done 1 1 0
80 0 gc_cycle_begin 1 1 4096
90 0 stop_request 1 0 0
100 0 stop_done 1 3 10
110 0 gc_phase 1 1 4096
120 0 stop_end 1 0 20
5030 0 gc_assist_begin 1 64 0
5040 0 gc_assist_end 1 64 0
5050 0 go_run 3 3 10
5060 0 go_park 1 1 0
5070 0 stop_request 3 0 0
5080 0 stop_done 3 4 10
5090 0 gc_mark_restart 3 1 0
5100 0 stop_end 3 0 20
5110 0 go_preempt 3 3 0
5120 0 go_run 3 3 5
7000 0 stop_request 3 0 0
7010 0 stop_done 3 4 10
7020 0 gc_phase 3 2 100
7030 0 gc_phase 3 0 100
7040 0 gc_cycle_end 3 1 100
7050 0 stop_end 3 0 30
7060 0 gc_sweep_done 0 1 0
7070 0 go_exit 3 3 0
7080 0 go_run 2 2 0
7090 0 go_exit 2 2 0
5 1 go_steal 4 0 1
2000 1 go_steal 4 0 1
2010 1 go_run 4 4 10
2020 1 go_park 4 4 0
3000 1 go_run 4 4 0
3010 1 gc_worker_begin 4 1 0
3020 1 gc_wb_flush 0 4 1
3030 1 gc_worker_end 4 1 500
3040 1 go_park 4 4 0
8000 1 go_ready 1 1 0
8010 1 go_run 1 1 10
8020 1 go_exit 1 1 0
"""


def standard():
    events = [Event(line) for line in LOG.splitlines()]
    return [e for e in events if not (e.name == "go_steal" and e.time == 5)]


def first(events, name, nth=0):
    return [e for e in events if e.name == name][nth]


def without(name, nth=0):
    def change(events):
        events.remove(first(events, name, nth))
    return change


def with_value(name, nth=0, **values):
    def change(events):
        vars(first(events, name, nth)).update(values)
    return change


def adding(line):
    def change(events):
        events.append(Event(line))
        events.sort(key=lambda e: (e.ring, e.time))
    return change


# What is changed, and what must be said about it.
CHANGES = [
    (without("go_create"), r"go_run of goroutine 1 .*\n.*goroutine 1 runnable.*not created"),
    (without("go_create", 2), "goroutine 3 not created|goroutine 3 .*not created"),
    (without("go_run"), "go_create of goroutine 1"),
    (without("go_park"), "go_ready of goroutine 1"),
    (without("go_ready"), "no mark worker outside marking"),
    (without("go_run", 1), "go_park of goroutine 1|expected an event of goroutine"),
    (without("stop_request"), "a request by P0 first"),
    (without("stop_done"), "stop_done: P0 waits for the others"),
    (without("stop_end"), "the end of the stop by P0|keeps P0 until the world runs again"),
    (without("gc_phase"), "no mark worker outside marking"),
    (adding("75 0 gc_assist_begin 1 64 0"), "gc_assist_begin only while marking"),
    (without("gc_phase", 1), "phase 2 after phase 1"),
    (without("gc_phase", 2), "phase 0 first"),
    (without("gc_cycle_begin"), "gc_cycle_begin first"),
    (without("gc_cycle_end"), "the sweep of cycle 0|no sweeping"),
    (without("gc_worker_begin"), "gc_worker_begin: P1 took goroutine 4"),
    (without("gc_assist_begin"), "an assist of goroutine 1 that has begun"),
    (without("map_grow"), "the end of a growth that has begun"),
    (with_value("gc_cycle_begin", a=2), "the begin of cycle 1"),
    (with_value("gc_cycle_end", a=2), r"the end of a cycle that has begun \(1\)"),
    (with_value("gc_mark_restart", a=7), "the marking of cycle 1"),
    (with_value("gc_sweep_done", a=2), "the sweep of cycle 1"),
    (with_value("gc_phase", a=2), "phase 1 after phase 0"),
    (with_value("gc_worker_begin", a=4), "mode 1, 2 or 3"),
    (with_value("gc_worker_end", a=2), "mode 1 of goroutine 4"),
    (with_value("gc_assist_begin", goroutine=2), "an event of goroutine 1, which has P0"),
    (with_value("go_steal", a=1), "another P as the victim"),
    (with_value("go_exit", a=4), "goroutine 3 or 0, which has or just had P0"),
    (with_value("stop_done", a=99), "not created"),
    (adding("7000 1 gc_wb_flush 0 4 1"), None),
    (adding("7500 1 gc_wb_flush 0 4 1"), "gc_wb_flush only while marking"),
    (adding("7015 1 go_run 2 2 0"), "no event of P1 while the world is stopped by P0"),
    (adding("7500 1 gc_sweep_done 0 1 0"), "no sweeping: cycle 1 is swept"),
    (adding("115 0 go_create 1 4 0"), "goroutine 4 not created; it is runnable"),
    (adding("7015 0 go_preempt 3 3 0"), "stop_end: goroutine 3 keeps P0"),
    (adding("5075 0 go_create 3 5 0"), "stop_done: P0 waits"),
    (adding("5000 1 stop_request 4 0 0"), "an event of goroutine 0, which has P1"),
    (adding("6000 0 gc_cycle_begin 3 2 0"), "the end of cycle 1"),
    (adding("8030 1 go_ready 2 2 0"), "goroutine 2 blocked; it is over"),
    (adding("7500 0 map_grow 3 200 0"), "an event of goroutine"),
]


class Changed(unittest.TestCase):
    """Each rule of the state machine catches a log that breaks it."""

    def judge(self, text):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "log")
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            return conform(path)

    def test_standard(self):
        status, text = self.judge("".join(f"{e}\n" for e in standard()))
        self.assertEqual(status, 0, text)
        self.assertIn("43 events, 4 goroutines, 3 stops, 1 collections, 1 mark restarts", text)

    def test_each_rule(self):
        for number, (change, said) in enumerate(CHANGES):
            with self.subTest(number=number, said=said):
                events = standard()
                change(events)
                status, text = self.judge("".join(f"{e}\n" for e in events))
                self.assertEqual(status, 0 if said is None else 1, text)
                if said is not None:
                    self.assertRegex(text, r"log:\d+: does not fit: found ")
                    self.assertTrue(re.search(said, text, flags=re.S), f"{said} not in {text}")

    def test_order_within_a_ring(self):
        events = standard()
        events[1].time, events[2].time = events[2].time, events[1].time
        status, text = self.judge("".join(f"{e}\n" for e in events))
        self.assertEqual(status, 1)
        self.assertIn("no earlier time than the event before it in ring 0", text)

    def test_no_log(self):
        for text, said in [("10 0 go_craete 0 1 0\n", "did you mean go_create?"),
                           ("10 0 go_create 0 1\n", "line 1: found what is no event"),
                           ("10 99999 go_create 0 1 0\n", "allowed: TIME RING EVENT"),
                           ("", "holds no events"),
                           ("10 0 go_create 0 1 0\n# dropped 3\n", "lacks 3 events")]:
            status, out = self.judge(text)
            self.assertEqual(status, 2, out)
            self.assertIn(said, out)
        self.assertEqual(conform("/nonexistent")[0], 2)

    def test_random_changes(self):
        """Of random changes to a run's log most are caught; none makes the program fail."""
        if "model-concurrent" not in ENGINES:
            self.skipTest("no model")
        rng = random.Random(SEED)
        with tempfile.TemporaryDirectory() as folder:
            with open(log_of(folder, "tiny-churn", "model", "concurrent"), encoding="utf-8") as file:
                lines = file.read().splitlines()
        names = sorted({line.split()[2] for line in lines})
        caught, tried = 0, 100
        for _ in range(tried):
            changed = list(lines)
            name = rng.choice(names)
            at = rng.choice([i for i, line in enumerate(lines) if line.split()[2] == name])
            kind = rng.randrange(3)
            if kind == 0:
                del changed[at]
            elif kind == 1:
                changed.insert(at, changed[at])
            else:
                event = Event(changed[at])
                event.ring ^= 1
                changed[at] = str(event)
            status, text = self.judge("\n".join(changed) + "\n")
            self.assertIn(status, (0, 1), text)
            caught += status
        print(f"seed {SEED}: {caught} of {tried} changes caught")
        self.assertGreater(caught, tried // 2)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    TRICOLOR = os.path.abspath(sys.argv[1])
    ENGINES = [os.path.basename(path)[len("tricolor-"):] for path in sys.argv[2:]]
    unittest.main(argv=sys.argv[:1], verbosity=1)
