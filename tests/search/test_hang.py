#!/usr/bin/env python3
"""A program that goes on in a plain loop, without an operation: the search says where, tells what it
had done, and ends.

usage: test_hang.py TRICOLOR HANGING_ENGINE
"""
import json
import os
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True

TRICOLOR = FOLDER = None
# The engine hangs in call number 100 times ns.
SCENARIO = {
    "name": "hang", "runtime": {"procs": 2, "check": True, "deadline_ns": "300ms"},
    "objects": {"A": {"root": True, "links": {"0": "B"}}, "B": {}},
    "goroutines": [
        {"name": "collector", "body": [{"op": "gc"}]},
        {"name": "spinner", "body": [{"op": "object.load", "from": "A", "to": "r0"},
                                     {"op": "compute", "ns": 1},
                                     {"op": "object.drop", "register": "r0"}]}],
}


LONG = ["--strategy", "random", "--time", "60", "--schedules"]


def explore(ns, *words, setup=()):
    scenario = json.loads(json.dumps({**SCENARIO, "setup": list(setup)}))
    scenario["goroutines"][1]["body"][1]["ns"] = ns
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "hang.json"), "w", encoding="utf-8") as file:
            json.dump(scenario, file)
        return subprocess.run([TRICOLOR, "explore", "hang.json", *words], cwd=folder, check=False,
                              capture_output=True, text=True, timeout=100,
                              env={**os.environ, "TRICOLOR_LIBEXEC": FOLDER})


class Hang(unittest.TestCase):
    def said(self, done, doing, who="spinner"):
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn(f"the program hangs while {doing}: goroutine {who} goes on without an "
                      "operation, for 0.3 s of processor time, after ", done.stderr)
        self.assertRegex(done.stderr, r"after \w+\(.*\) at [a-z]+/.*:[0-9]+\n")

    def test_at_once(self):
        done = explore(1)
        self.said(done, "learning where races are")
        self.assertNotIn("Schedules", done.stdout)

    def test_before_there_is_anything_to_explore(self):
        done = explore(900, *LONG, "1000", setup=[{"op": "compute", "ns": 1, "count": 100}])
        self.said(done, "setting the scenario up", "main")
        self.assertNotIn("Schedules", done.stdout)

    def test_in_the_middle(self):
        done = explore(40, *LONG, "100000")
        self.said(done, "searching")
        self.assertRegex(done.stdout, r"Schedules     [1-9][0-9,]* complete")
        self.assertIn("the engine died before it was done, and had told this", done.stdout)

    def test_in_a_job(self):
        done = explore(40, *LONG, "100000", "--jobs", "2")
        self.said(done, "searching")

    def test_slow_is_no_hang(self):
        done = explore(900, *LONG, "5000")
        self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    FOLDER = os.path.dirname(os.path.abspath(sys.argv.pop()))
    TRICOLOR = os.path.abspath(sys.argv.pop())
    unittest.main()
