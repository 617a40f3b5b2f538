#!/usr/bin/env python3
"""Malformed recordings through the oracle runners: each must be judged, none may end a runner.

usage: malformed.py RUNNER RECORDING... [-- ARGUMENT...]
RUNNER: the program; ARGUMENT: goes before the paths. Deterministic.
"""
import os
import random
import re
import subprocess
import sys
import tempfile

TIMEOUT_S = 100
NUMBER = re.compile(rb'(?<![\w."-])-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?(?![\w."])')
STRING = re.compile(rb'"[^"]*"')
NUMBERS = [b"0", b"-1", b"1", b"0.5", b"-0.0", b"1e308", b"-1e308", b"1e999", b"4294967296", b"65536",
           b"9223372036854775807", b"-9223372036854775808", b"18446744073709551615",
           b"99999999999999999999999999", b'"0xffffffffffffffff"', b'"x"', b"null", b"true", b"[]",
           b"{}"]
STRINGS = [b'""', b'"0xffffffffffffffff"', b'"0x"', b'"-1"', b'"\xff\xfe"', b'"%s%n"', b"null", b"7",
           b"[]", b"{}", b'"' + 5000 * b"a" + b'"']
WHOLE = {
    "empty": b"", "space": b" \n", "null": b"null", "number": b"1e999", "string": b'"x"',
    "list": b"[]", "object": b"{}", "open": b"{", "nul": b"\0", "binary": bytes(range(256)) * 16,
    "deep": b"[" * 200000, "deeper": b'{"a":' * 100000 + b"1" + b"}" * 100000,
    "long": b'{"cycles":[' + b"0," * 100000 + b"0]}", "digits": b'{"length":' + b"9" * 100000 + b"}",
}


def replaced(rng, text, pattern, by):
    spots = list(pattern.finditer(text))
    if not spots:
        return text[:-1]
    spot = rng.choice(spots[:200] if rng.random() < 0.7 else spots)
    return text[:spot.start()] + rng.choice(by) + text[spot.end():]


def flipped(rng, text):
    at = rng.randrange(len(text))
    return text[:at] + bytes([text[at] ^ 1 << rng.randrange(8)]) + text[at + 1:]


def line_twice_or_never(rng, text):
    lines = text.split(b"\n")
    at = rng.randrange(len(lines))
    return b"\n".join(lines[:at] + lines[at:at + 1] * rng.choice([0, 2]) + lines[at + 1:])


WAYS = [
    lambda rng, text: text[:rng.randrange(len(text))],
    flipped,
    lambda rng, text: replaced(rng, text, NUMBER, NUMBERS),
    lambda rng, text: replaced(rng, text, NUMBER, NUMBERS),
    lambda rng, text: replaced(rng, text, STRING, STRINGS),
    line_twice_or_never,
    lambda rng, text: text + rng.choice([b"x", b"{}", b"\0", b"\0x", b"]"]),
]


def inputs(recordings, count):
    rng = random.Random(1)
    for name, text in WHOLE.items():
        yield "whole-" + name, text
    for path in recordings:
        with open(path, "rb") as file:
            text = file.read()
        for i in range(count):
            made = WAYS[i % len(WAYS)](rng, text)
            yield f"{os.path.basename(path)[:-5]}-{i}", made


def complain(what, done):
    sys.exit(f"{what}: status {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")


def run(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, errors="replace",
                          timeout=TIMEOUT_S)
    if re.search("Sanitizer|runtime error|assert", done.stderr) or done.returncode not in (0, 1, 2):
        complain("the runner ended badly", done)
    return done


def verdict(command, files):
    """Every file is judged, in the last line and in the exit status."""
    done = run(command)
    last = re.fullmatch(r"(\d+) passed, (\d+) failed", done.stdout.rstrip().split("\n")[-1])
    if last is None or int(last[1]) + int(last[2]) != files:
        complain(f"{files} files are not all judged", done)
    if done.returncode != (1 if int(last[2]) > 0 else 0):
        complain("the exit status does not say how it went", done)
    return int(last[2])


def main():
    words = sys.argv[1:]
    extra = words[words.index("--") + 1:] if "--" in words else []
    words = words[:words.index("--")] if "--" in words else words
    runner, recordings = [words[0]] + extra, words[1:]
    count = max(7, 70 * int(os.environ.get("TEST_SCALE", "100")) // 100)
    if run(runner).returncode != 2:
        sys.exit("a runner without paths should say how it is used")
    with tempfile.TemporaryDirectory() as folder:
        made = 0
        for made, (name, text) in enumerate(inputs(recordings, count), 1):
            with open(os.path.join(folder, name + ".json"), "wb") as file:
                file.write(text)
        failed = verdict(runner + [folder], made)
        if failed < len(WHOLE):
            sys.exit(f"only {failed} of {made} malformed recordings failed")
        os.mkdir(os.path.join(folder, "none"))
        odd = [os.path.join(folder, "none"), os.path.join(folder, "missing"), "", "/dev/null"]
        if verdict(runner + odd, len(odd)) != len(odd):
            sys.exit("a path with no recording in it passed")
        if verdict(runner + odd[:1] + recordings[:1], 2) != 1:
            sys.exit("a good recording beside a bad path does not count")
    print(f"{made} malformed recordings, {failed} found different, none ended the runner")


if __name__ == "__main__":
    main()
