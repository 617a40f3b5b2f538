"""Runs engine executables on scenarios and looks at what they write."""
import json
import os
import signal
import subprocess
import tempfile
import time


class Run:
    """What one engine process did."""

    def __init__(self, status, stdout, stderr, events=None):
        self.status = status
        self.stdout = stdout
        self.stderr = stderr
        self.events = events
        self.lines = [json.loads(line) for line in stdout.splitlines()]
        last = self.lines[-1] if self.lines else {}
        self.result = last.get("result") if last.get("type") == "result" else None

    def at(self, path):
        """The value at a dotted path of the result."""
        value = self.result
        for part in path.split("."):
            value = value[part]
        return value

    def of_type(self, kind):
        return [line for line in self.lines if line["type"] == kind]


def merged(base, changes):
    """base with the members of changes, objects merged."""
    out = dict(base)
    for key, value in changes.items():
        if isinstance(value, dict) and isinstance(out.get(key), dict):
            out[key] = merged(out[key], value)
        else:
            out[key] = value
    return out


class Engines:
    """The executables of a build, by name: "native-none"."""

    def __init__(self, paths):
        self.paths = {os.path.basename(path).removeprefix("tricolor-"): os.path.abspath(path)
                      for path in paths}

    @classmethod
    def of(cls, paths):
        """The executables that are given by name."""
        engines = cls([])
        engines.paths = {name: os.path.abspath(path) for name, path in paths.items()}
        return engines

    def has(self, name):
        return name in self.paths

    def run(self, name, scenario, args=(), events=False, timeout=120, cwd=None):
        """scenario: a dict, or the text itself."""
        text = scenario if isinstance(scenario, str) else json.dumps(scenario)
        words = [self.paths[name], *args]
        if not events:
            done = subprocess.run(words, input=text, capture_output=True, text=True,
                                  timeout=timeout, check=False, cwd=cwd)
            return Run(done.returncode, done.stdout, done.stderr)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "events")
            done = subprocess.run(words + ["--events", path], input=text, capture_output=True,
                                  text=True, timeout=timeout, check=False)
            with open(path, encoding="utf-8") as log:
                return Run(done.returncode, done.stdout, done.stderr, log.read())

    def run_and_terminate(self, name, scenario, seconds):
        """Sends SIGTERM after that long."""
        with subprocess.Popen([self.paths[name]], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True) as child:
            child.stdin.write(json.dumps(scenario))
            child.stdin.close()
            child.stdin = None
            time.sleep(seconds)
            child.send_signal(signal.SIGTERM)
            stdout, stderr = child.communicate(timeout=30)
            return Run(child.returncode, stdout, stderr)


def scale():
    """TEST_SCALE in percent: how much of the long tests to do."""
    return max(1, int(os.environ.get("TEST_SCALE", "100")))
