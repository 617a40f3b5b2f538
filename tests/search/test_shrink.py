#!/usr/bin/env python3
"""A large scenario with a violation, told as a small one: what is left, what is said of it, whether
its file and its token lead there again, and what happens when there is no file or no time.

usage: test_shrink.py TRICOLOR ENGINE LYING_ENGINE
"""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True

TRICOLOR = ENGINE = LYING = None
STORE = {"op": "object.store", "into": "A"}
# Five goroutines of which two matter, hundreds of operations, no barrier.
BIG = {
    "name": "big", "job": "explore", "seed": 18446744073709551615,
    "runtime": {"procs": 4, "check": True},
    "gc": {"barrier": {"kind": "none"}, "idle_workers": 0},
    "maps": {"m": {}, "n": {"value": "pointer"}},
    "lists": {"l": {}}, "channels": {"c": {"capacity": 10}}, "mutexes": ["mu"],
    "objects": {"A": {"links": {"0": "B"}, "root": True}, "B": {},
                "C": {"links": {"0": "D"}, "root": True}, "D": {}},
    "setup": [{"op": "map.put", "map": "m", "count": 40},
              {"op": "list.push", "list": "l", "count": 20}],
    "goroutines": [
        {"name": "collector", "body": [
            {"op": "yield", "count": 3}, {"op": "gc"}, {"op": "alloc", "bytes": 64, "count": 4}]},
        {"name": "mover", "body": [
            {"op": "alloc", "bytes": 32, "count": 10},
            {"op": "object.load", "from": "A", "to": "r0"},
            {"op": "loop", "count": 5, "body": [{**STORE, "value": None},
                                                {**STORE, "value": "r0"}]},
            {"op": "object.drop", "register": "r0"}]},
        {"name": "writer", "count": 2, "body": [
            {"op": "lock", "mutex": "mu", "count": 10, "body": [
                {"op": "map.put", "map": "m", "count": 4,
                 "keys": {"dist": "uniform", "space": 100}}]}]},
        {"name": "sender", "body": [
            {"op": "chan.send", "channel": "c", "count": 30},
            {"op": "chan.close", "channel": "c"}]},
        {"name": "receiver", "body": [
            {"op": "chan.recv", "channel": "c", "count": 30},
            {"op": "map.put", "map": "n", "count": 20}]},
    ],
    "choose": [{"set": "gc.gogc", "values": [100, 200]}],
    "expect_violation": "heap verifier",
}
ASKED = ["name", "seed", "gc", "expect_violation"]  # the question, which stays what it is


def run(words, folder, **more):
    return subprocess.run(words, capture_output=True, text=True, timeout=280, check=False,
                          cwd=folder, **more)


def tricolor(folder, *words, **env):
    return run([TRICOLOR, *words], folder, env={**os.environ, **env})


def result_of(done):
    if not done.stdout:
        raise AssertionError(done.stderr)
    return json.loads(done.stdout)


def operations(body):
    return sum(op.get("count", 1) * (operations(op["body"]) if "body" in op else 1) for op in body)


def size(scenario):
    return operations(scenario["setup"]) + sum(
        group["count"] * (1 + operations(group["body"])) for group in scenario["goroutines"])


def scenario_in(folder, violation):
    with open(os.path.join(folder, violation["file"]), encoding="utf-8") as file:
        return json.loads(json.load(file)["scenario"])


class Shrink(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        with open(os.path.join(self.folder, "big.json"), "w", encoding="utf-8") as file:
            json.dump(BIG, file)

    def tearDown(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def explore(self, *words):
        done = tricolor(self.folder, "explore", "big.json", "--json", "-", *words)
        violation = result_of(done)["violation"]
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("reachable object is not marked", violation["message"])
        return violation

    def kept(self, violation):
        """The scenario in the file of a violation."""
        with open(os.path.join(self.folder, violation["file"]), encoding="utf-8") as file:
            return json.loads(json.load(file)["scenario"])

    def test_few_are_left_of_many(self):
        violation = self.explore("--shrink", "60")
        self.assertEqual(violation["choices"], [0])  # of the scenario explored
        self.assertEqual(violation["minimise"]["shrink"]["ended_by"], "itself")
        lines = violation["minimise"]["shrunk"]
        for name in ("goroutines writer (2)", "goroutine sender", "goroutine receiver"):
            self.assertIn(name + " left out", lines)
        unchanged = self.explore("--shrink", "0")
        self.assertIsNone(unchanged["minimise"]["shrink"])
        small, whole = self.kept(violation), self.kept(unchanged)
        self.assertEqual([group["name"] for group in small["goroutines"]], ["collector", "mover"])
        self.assertEqual(size(whole), 257)
        self.assertLessEqual(size(small), 20)
        for key in ASKED:
            self.assertEqual(small[key], whole[key])
        for part, changed in (("runtime", "procs"), ("explore", "shrink_ns")):
            self.assertEqual({**small[part], changed: 0}, {**whole[part], changed: 0})
        self.replays(violation)

    def replays(self, violation):
        """From the file and from the token, twice, to the byte; the token alone leads nowhere."""
        texts = [tricolor(self.folder, "replay", what)
                 for what in (violation["file"], violation["token"]) * 2]
        for text in texts:
            self.assertEqual(text.returncode, 0, text.stderr)
            self.assertEqual(text.stdout, texts[0].stdout)
        self.assertIn("reachable object is not marked", texts[0].stdout)
        os.remove(os.path.join(self.folder, violation["file"]))
        lost = tricolor(self.folder, "replay", violation["token"])
        self.assertEqual(lost.returncode, 2)
        self.assertIn("no .schedule.json file here is of the token", lost.stderr)

    def test_no_time_for_it(self):
        violation = self.explore("--shrink", "1ns")
        self.assertEqual(violation["minimise"]["shrunk"], [])
        self.assertEqual(violation["minimise"]["shrink"]["ended_by"], "time")
        self.assertEqual(len(self.kept(violation)["goroutines"]), 5)

    def test_a_lie_is_not_told(self):
        """A smaller scenario without the bug is none: the one that was explored is told."""
        done = tricolor(self.folder, "explore", "big.json", "--json", "-",
                        TRICOLOR_LIBEXEC=os.path.dirname(LYING))
        violation = result_of(done)["violation"]
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(violation["minimise"]["shrunk"], [])
        self.assertEqual(violation["minimise"]["shrink"]["accepted"], 1)
        self.assertEqual(len(self.kept(violation)["goroutines"]), 5)
        again = tricolor(self.folder, "replay", violation["file"])
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertIn("reachable object is not marked", again.stdout)

    def test_few_operations_stay(self):
        """A scenario of a few operations is shown as it is, without a trial."""
        done = tricolor(self.folder, "explore", "barrier-none", "--json", "-")
        self.assertIsNone(result_of(done)["violation"]["minimise"]["shrink"])

    def test_no_place_for_the_file(self):
        """The folder is gone: the verdict is told, and the exit status says what is missing."""
        gone, script = tempfile.mkdtemp(), 'cd "$0" && rmdir "$0" && exec "$@"'
        done = run(["sh", "-c", script, gone, TRICOLOR, "explore", "barrier-none"], self.folder)
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("no schedule file: cannot write ./barrier-none", done.stderr)
        self.assertIn("the token is all there is", done.stderr)
        self.assertIn("the expected violation was found", done.stdout)

    def test_asked_to_end(self):
        """In the middle of it: what there is, is told."""
        scenario = {**BIG, "explore": {"shrink_ns": "280s"}}
        with subprocess.Popen([ENGINE, "--explore"], stdin=subprocess.PIPE, text=True,
                              stdout=subprocess.PIPE, cwd=self.folder) as engine:
            engine.stdin.write(json.dumps(scenario))
            engine.stdin.close()
            for line in engine.stdout:
                told = json.loads(line)
                if told["type"] == "progress" and told["what"].startswith("making the scenario"):
                    engine.send_signal(signal.SIGTERM)
            self.assertEqual(engine.wait(), 1)
        self.assertEqual(told["type"], "result")
        violation = told["result"]["violation"]
        self.assertTrue(told["result"]["interrupted"])
        self.assertEqual(violation["minimise"]["shrink"]["ended_by"], "request")
        self.assertIn("reachable object is not marked", violation["message"])
        done = tricolor(self.folder, "replay", violation["file"])
        self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    LYING = os.path.abspath(sys.argv.pop())
    ENGINE = os.path.abspath(sys.argv.pop())
    TRICOLOR = os.path.abspath(sys.argv.pop())
    unittest.main()
