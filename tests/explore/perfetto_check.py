#!/usr/bin/env python3
"""Checks that a Chrome trace is one that Perfetto shows as meant.

usage: perfetto_check.py COMMAND...    runs the command, which writes the trace to standard output
"""
import json
import subprocess
import sys


def fail(text):
    print(text)
    sys.exit(1)


def check_spans(events):
    """B and E only, by time, nested and closed on every track; no two steps overlap."""
    last, open_spans, spans = {}, {}, 0
    for e in events:
        track = e.get("tid")
        if e["ph"] in "BEi":
            if e["ts"] < last.get(track, 0):
                fail(f"track {track}: time goes back at {e}")
            last[track] = e["ts"]
        if e["ph"] == "B":
            open_spans.setdefault(track, []).append(e["ts"])
            if len(open_spans[track]) > 1:
                fail(f"track {track}: two steps at once at {e}")
            spans += 1
        elif e["ph"] == "E":
            if not open_spans.get(track):
                fail(f"track {track}: E without B at {e}")
            if open_spans[track].pop() >= e["ts"]:
                fail(f"track {track}: empty span at {e}")
    if any(open_spans.values()):
        fail("a span is not closed")
    return spans


def check_phases(events):
    """Asynchronous spans: b, then e of the same name and id."""
    open_phases = []
    for e in events:
        if e["ph"] == "b":
            open_phases.append((e["id"], e["name"], e["cat"]))
        elif e["ph"] == "e":
            if not open_phases or open_phases.pop() != (e["id"], e["name"], e["cat"]):
                fail(f"phase ends that did not begin: {e}")
    if open_phases:
        fail("a phase is not closed")


def main():
    if len(sys.argv) < 2:
        print(__doc__.strip())
        return 2
    done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, check=True)
    trace = json.loads(done.stdout)
    events = trace["traceEvents"]
    if trace["displayTimeUnit"] != "ns":
        fail("displayTimeUnit is not ns")
    for e in events:
        if e["ph"] not in "BEbeiM" or "name" not in e and e["ph"] != "E":
            fail(f"an event of another kind: {e}")
    named = {e["tid"] for e in events if e["ph"] == "M" and e["name"] == "thread_name"}
    used = {e["tid"] for e in events if e["ph"] in "BE"}
    if not used <= named:
        fail(f"tracks without a name: {used - named}")
    check_phases(events)
    spans = check_spans(events)
    if spans < 10 or not any(e["ph"] == "b" for e in events):
        fail("hardly anything in the trace")
    if [e["ts"] for e in events if e["ph"] == "B"] != list(range(1, spans + 1)):
        fail("steps are not numbered 1, 2, 3, ...")
    return 0


if __name__ == "__main__":
    sys.exit(main())
