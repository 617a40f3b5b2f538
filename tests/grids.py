#!/usr/bin/env python3
"""Every data choice of the grids configs/races/barriers-*.json, searched to a preemption bound: which
a test has no time for. Prints a line for each kind of barrier; exits with 1 where one was violated or
not searched to its end.

usage: grids.py TRICOLOR GRID [KIND...]
  GRID   whole   two mutators of two writes, three objects: 331,776 choices, to one preemption
         pairs   two mutators of one write, two objects: 2,187 choices, to two preemptions
         single  one mutator of two writes, two objects: 729 choices, to two preemptions
  KIND   of barrier; default: yuasa dijkstra hybrid conditional
"""
import json
import os
import subprocess
import sys
import tempfile

RACES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "configs", "races")
KINDS = ("yuasa", "dijkstra", "hybrid", "conditional")
GRIDS = {"whole": (3, [2, 2], 1), "pairs": (2, [1, 1], 2), "single": (2, [2], 2)}
LOAD, STORE, PUT = range(3)
WRITES = [
    {"op": "object.load", "from": "r0", "to": "r0"},
    {"op": "object.store", "into": "r0", "value": None},
    {"op": "object.put", "root": "A", "value": "r0"},
]


def is_idle(body, i, register, links):
    """Whether write number i goes through a register that is nil whatever others do: they set links
    to nil only."""
    for op in body[:i]:
        if register is not None and op == LOAD:
            register = links[register]
    return register is None and body[i] != PUT


def shape(roots, links):
    """Of what the roots lead to: objects by the order in which they are met."""
    met, told = [], []

    def name(thing):
        if thing is not None and thing not in met:
            met.append(thing)
        return 0 if thing is None else 1 + met.index(thing)

    told.extend(name(root) for root in roots)
    for thing in met:  # grows
        told.append(name(links[thing]))
    return tuple(told)


def smaller(kind, objects, writes):
    """The grid of that kind with so many objects, and a mutator for each number of writes."""
    with open(os.path.join(RACES, f"barriers-{kind}.json"), encoding="utf-8") as text:
        grid = json.load(text)
    names = "ABC"[:objects]
    values = [None, *names]
    drop = {"op": "object.drop", "register": "r0"}
    grid["objects"] = {name: {"pointers": 1, "links": {"0": None}, "root": True} for name in names}
    grid["setup"] = [drop] + [
        {"op": "object.put", "root": name, "value": "r0" if name == "A" else None} for name in names]
    del grid["goroutines"][1:]
    grid["choose"] = [{"set": "setup.0", "values": [drop] + [
        {"op": "object.get", "root": name, "to": "r0"} for name in names]}]
    for name in names:
        grid["choose"].append({"set": f"objects.{name}.links.0", "values": values})
    for who, count in zip(("first", "second"), writes):
        body = [WRITES[0]] * count + [{"op": "chan.recv", "channel": "over"}]
        grid["goroutines"].append({"name": who, "registers": {"r0": None}, "body": body})
        grid["choose"].append({"set": f"goroutines.{who}.registers.r0", "values": values})
        for i in range(count):
            grid["choose"].append({"set": f"goroutines.{who}.body.{i}", "values": WRITES})
    del grid["$schema"]
    return grid


def search(tricolor, grid, kind):
    """Whether it was searched whole, and clean."""
    objects, writes, bound = GRIDS[grid]
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, f"barriers-{kind}.json")
        with open(path, "w", encoding="utf-8") as out:
            json.dump(smaller(kind, objects, writes), out)
        done = subprocess.run(
            [tricolor, "explore", path, "--strategy", "bound", "--preemptions", str(bound), "--time",
             "none", "--json", "-"], stdout=subprocess.PIPE, text=True, cwd=folder, check=False)
    if not done.stdout:
        return False
    doc = json.loads(done.stdout)
    seconds = doc["elapsed_ns"] / 1e9
    print(f"{kind}: {doc['guarantee']['text']}; {seconds:.0f} s", flush=True)
    whole = doc["guarantee"].get("preemptions") == bound or doc["guarantee"]["kind"] == "EXHAUSTED"
    return done.returncode == 0 and whole and doc["variants"]["done"] == doc["variants"]["different"]


def main(words):
    kinds = words[3:] or KINDS
    if len(words) < 3 or words[2] not in GRIDS or not set(kinds) <= set(KINDS):
        print(__doc__.strip())
        return 2
    results = [search(os.path.abspath(words[1]), words[2], kind) for kind in kinds]
    return 0 if all(results) else 1


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv))
    except KeyboardInterrupt:
        sys.exit(130)
