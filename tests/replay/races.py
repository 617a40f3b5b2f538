#!/usr/bin/env python3
"""Violations of the scenarios of configs/races, kept as schedule files: replayed, recorded anew.

usage: races.py TRICOLOR check FOLDER RACES
           replays every file of FOLDER; every scenario of RACES that expects a violation has one
       races.py TRICOLOR record FOLDER RACES [--all | NAME...]
           searches the violations that have no file, or whose file does not fit any more, and
           writes their files; --all: all of them
       races.py TRICOLOR bytes RACES
           a schedule is the same to the byte, twice, from its token and from its file
       races.py TRICOLOR corrupt RACES [CHANGES]
           tokens and files with so many random changes are refused, not crashed on
"""
import json
import os
import random
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "explore"))
import perfetto_check

SUFFIX = ".schedule.json"
RECORD = ["--time", "60", "--shrink", "0"]  # a schedule of the scenario as it is
SEED = 16083


def tricolor(*words, folder=None):
    done = subprocess.run([TRICOLOR, *words], capture_output=True, text=True, check=False,
                          cwd=folder, timeout=300)
    return done.returncode, done.stdout, done.stderr


def read_json(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def expecting(races):
    """Paths by name of the scenarios that expect a violation."""
    paths = {}
    for entry in sorted(os.listdir(races)):
        path = os.path.join(races, entry)
        if entry.endswith(".json") and read_json(path).get("expect_violation"):
            paths[entry[:-len(".json")]] = path
    return paths


def kept(folder):
    if not os.path.isdir(folder):
        return {}
    return {entry[:-len(SUFFIX)]: os.path.join(folder, entry)
            for entry in sorted(os.listdir(folder)) if entry.endswith(SUFFIX)}


# ---- every file fits -----------------------------------------------------------------------------

def same_plain_race(path, said):
    """Where every plain access counts, what lies between two points is the compiler's: which of two
    like threads comes first may change, the functions of the race may not."""
    _, is_race, found = said.partition("the run then fails: plain-data race")
    recorded = json.dumps(read_json(path)["verdict"])
    places = [re.findall(r"(?:read|write) in (\w+)", text) for text in (found, recorded)]
    return bool(is_race) and len(places[0]) == 2 and sorted(places[0]) == sorted(places[1])


def judge(path):
    """("ok", "moved" or "LOST", what there is to say)."""
    status, out, err = tricolor("replay", path, "--drift", "--json", "-")
    try:
        result = json.loads(out)
    except ValueError:
        return ("moved", "the same race") if same_plain_race(path, err) else ("LOST", err.strip())
    replay, violation = result.get("replay"), result.get("violation")
    if status != 0 or not violation or not replay or replay["is_as_recorded"] is not True:
        found = violation["message"] if violation else "no violation"
        return "LOST", f"{found} (recorded: {replay and replay.get('recorded')}) {err.strip()}"
    return ("moved" if replay["moved"] else "ok"), replay["note"]


def search_again(path):
    """Whether the bug is gone, or only its schedule."""
    if path is None:
        return "its scenario is no longer among the races"
    with tempfile.TemporaryDirectory() as folder:
        status, _, _ = tricolor("explore", os.path.abspath(path), "--time", "5", folder=folder)
    return ("a search finds the violation again: only the schedule is lost" if status == 0 else
            "a search of 5 s does not find the violation again")


def check(folder, races):
    files, wanted, lost = kept(folder), expecting(races), []
    for name, path in files.items():
        verdict, text = judge(path)
        print(f"{verdict:<7} {name}{': ' if text else ''}{text}", flush=True)
        if verdict == "LOST":
            lost.append(name)
            print(f"        {search_again(wanted.get(name))}", flush=True)
    missing = sorted(set(wanted) - set(files))
    for name in missing:
        print(f"MISSING {name}: the scenario expects a violation, and there is no file of one")
    if lost or missing:
        print(f"\n{len(lost)} files do not fit any more, {len(missing)} are missing. If the bug is "
              "still there, write them anew with\n  tests/replay/refresh")
    return 1 if lost or missing else 0


# ---- recording -----------------------------------------------------------------------------------

def record_one(folder, name, path):
    target = os.path.join(os.path.abspath(folder), name + SUFFIX)
    with tempfile.TemporaryDirectory() as scratch:
        _, out, err = tricolor("explore", os.path.abspath(path), *RECORD, "--json", "-",
                               folder=scratch)
        result = json.loads(out) if out else {}
        violation = result.get("violation")
        if not violation or not result["expectation"]["holds"] or not violation.get("file"):
            print(f"NOT FOUND {name}: {violation['message'] if violation else err.strip()}")
            return 1
        with open(os.path.join(scratch, violation["file"]), encoding="utf-8") as file:
            text = file.read()
    with open(target, "w", encoding="utf-8") as file:
        file.write(text if text.endswith("\n") else text + "\n")
    print(f"recorded {name}: {violation['preemptions']} preemptions, {violation['message'][:60]}",
          flush=True)
    return 0


def record(folder, races, *names):
    files, wanted, status = kept(folder), expecting(races), 0
    os.makedirs(folder, exist_ok=True)
    for name, path in wanted.items():
        if names and names != ("--all",) and name not in names:
            continue
        if not names and name in files and judge(files[name])[0] != "LOST":
            continue
        status |= record_one(folder, name, path)
    return status


# ---- the same bytes ------------------------------------------------------------------------------

BYTES_OF = ["weave-markterm-stale", "map-stale-bucket", "sched-ready-before-park"]


def found(races, name, folder):
    """The token and the file of a violation, searched now."""
    path = os.path.join(os.path.abspath(races), name + ".json")
    status, out, err = tricolor("explore", path, *RECORD, "--json", "-", folder=folder)
    assert status == 0, err
    violation = json.loads(out)["violation"]
    return path, violation["token"], os.path.join(folder, violation["file"])


def stable(text):
    """A document without what was measured."""
    doc = json.loads(text)
    for name in ("elapsed_ns", "rate", "replay"):
        doc.pop(name, None)
    return doc


def same_bytes(races):
    for name in BYTES_OF:
        with tempfile.TemporaryDirectory() as folder:
            path, token, file = found(races, name, folder)
            by_token = [token, "--scenario", path]
            for more in ([], ["--json", "-"]):
                runs = [tricolor("replay", *words, *more)
                        for words in (by_token, by_token, [file], [file])]
                texts = [stable(run[1]) if more else run[1] for run in runs]
                for run, text in zip(runs, texts):
                    assert run[0] == 0, run
                    assert text == texts[0], f"{name}:\n{text}\n--- is not ---\n{texts[0]}"
            traces = []
            for words in (by_token, [file]):
                trace = os.path.join(folder, "trace.json")
                assert tricolor("replay", *words, "--trace", trace)[0] == 0
                with open(trace, encoding="utf-8") as opened:
                    traces.append(opened.read())
            assert traces[0] == traces[1], name
            events = json.loads(traces[0])["traceEvents"]
            perfetto_check.check_phases(events)
            assert perfetto_check.check_spans(events) == texts[0]["violation"]["steps"], name
            print(f"{name}: {len(texts)} runs equal to the byte, as text, as JSON and as a trace")
    return 0


# ---- what is none --------------------------------------------------------------------------------

def crc16(text):
    crc = 0xffff
    for letter in text.encode():
        crc ^= letter << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xffff
    return crc


def sealed(token):
    """The same with the check it should have."""
    body = token[:token.rindex(":") + 1]
    return body + f"{crc16(body[:-1]):04x}"


def refused(words, said=None):
    """Exit status 2, a message, and no result; a changed schedule may also fit."""
    status, out, err = tricolor("replay", *words)
    assert status in (0, 1, 2), (status, words, err)
    assert status != 2 or err.strip(), words
    assert said is None or (status == 2 and said in err), (words, status, said, err, out)
    return status


# Classes of what was found wrong, or might be, and what is said about it.
def known_tokens(token):
    part = token.split(":")
    scenario, directives = part[1], part[4]
    first = directives.split(";")[0]
    def with_directives(text):
        return sealed(":".join(part[:4] + [text] + part[5:]))
    return [
        ("", "no such file"),
        ("tri1:", "allowed: a token"),
        ("tri1:::::", "allowed: a token"),
        ("tri2" + token[4:], "allowed: a token"),
        (token[:-1], "4 hex digits of the check"),
        (token + "0", "nothing after the check"),
        (token[:-4] + "zzzz", "4 hex digits of the check"),
        (token.replace(scenario, "00000000"), "expects scenario 00000000"),
        (with_directives(first + ";" + first), "in order"),
        (with_directives("t99999999999999999999" + first[1:]), "2147483648"),
        (with_directives("t2147483647.0>t1"), "expected"),
        (with_directives("t0.2147483647>t1"), "the end of the run"),
        (with_directives("t0.007>t1"), "leading zeros"),
        (with_directives("t0.0@" + "x" * 100 + ">t1"), "a shorter operation"),
        (with_directives("t0.0@nothing(x)>t1"), "expected nothing(x), found"),
        (with_directives(";".join(f"t{i}.0>t1" for i in range(5000))), "directive 1 of 5000"),
        (sealed(":".join(part[:3] + ["c=0.1.2"] + part[4:])), "data choices do not fit"),
        (sealed(":".join(part[:3] + ["c="] + part[4:])), "a choice"),
    ]


def known_files(doc):
    def changed(**members):
        return json.dumps({**doc, **members})
    token = doc["token"]
    return [
        ("", "it is not JSON"),
        ("{", "it is not JSON"),
        ("[" * 100000, "it is not JSON"),
        ("[]", "it is not JSON"),
        ("{}", "found no schedule file"),
        (changed(schema="tricolor.schedule/2"), "found no schedule file"),
        (changed(token=None), "is missing"),
        (changed(token=7), "is missing"),
        (changed(scenario="{"), "the scenario in"),
        (changed(scenario="{\"name\": 7}"), "the scenario in"),
        (changed(name=None), "is missing"),
        (changed(verdict={}), "\"verdict\" is missing"),
        (changed(verdict={**doc["verdict"], "points": -1}), "\"verdict\" is missing"),
        (changed(verdict={**doc["verdict"], "points": 1e300}), "\"verdict\" is missing"),
        (changed(point_sites=[1]), "\"point_sites\" are not names"),
        (changed(point_sites="x"), "\"point_sites\" are not names"),
        (changed(point_sites=[]), "the schedule does not fit"),
        (changed(point_sites=["nowhere.c: nothing()"]), "such as \"nowhere.c: nothing()\""),
        (changed(token=token[:-1]), "4 hex digits of the check"),
    ]


def flip(rng, text):
    data = bytearray(text.encode())
    for _ in range(rng.randrange(1, 4)):
        kind, at = rng.randrange(4), rng.randrange(len(data))
        if kind == 0:
            data[at] ^= 1 << rng.randrange(7)
        elif kind == 1:
            del data[at:at + rng.randrange(1, 20)]
        elif kind == 2:
            data[at:at] = str(rng.randrange(2 ** rng.randrange(1, 70))).encode()
        else:
            del data[at:]
        data = data or bytearray(b"x")
    return data.replace(b"\0", b"0").decode(errors="replace")


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def corrupt(races, changes="40"):
    rng = random.Random(SEED)
    counts = [0, 0, 0]
    with tempfile.TemporaryDirectory() as folder:
        path, token, file = found(races, "barrier-none", folder)
        with open(file, encoding="utf-8") as opened:
            text = opened.read()
        for changed, said in known_tokens(token):
            refused([changed, "--scenario", path] if "scenario 0000" not in said else [changed],
                    said)
        bad = os.path.join(folder, "bad" + SUFFIX)
        for changed, said in known_files(json.loads(text)):
            write(bad, changed)
            refused([bad], said)
        for said, words in [("no such file", [bad + "x"]), ("cannot be read", [folder])]:
            refused(words, said)
        for i in range(int(changes)):
            if i % 2 == 0:
                other = flip(rng, token)
                other = sealed(other) if i % 4 == 0 and ":" in other else other
                counts[refused([other, "--scenario", path] + ["--drift"] * (i % 8 == 0))] += 1
            else:
                write(bad, flip(rng, text))
                counts[refused([bad] + ["--drift"] * (i % 3 == 0))] += 1
    print(f"seed {SEED}: {changes} random changes: {counts[2]} refused, {counts[0]} still find the "
          f"violation, {counts[1]} run without it")
    return 0


if __name__ == "__main__":
    COMMANDS = {"check": check, "record": record, "bytes": same_bytes, "corrupt": corrupt}
    if len(sys.argv) < 4 or sys.argv[2] not in COMMANDS:
        sys.exit(__doc__)
    TRICOLOR = os.path.abspath(sys.argv[1])
    sys.exit(COMMANDS[sys.argv[2]](*sys.argv[3:]))
