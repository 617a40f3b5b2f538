#!/usr/bin/env python3
"""SPIN's opinion on mark termination.

usage: mark_termination_test.py MODEL

The design as it is has no error in any state; with a part left out SPIN must report the assertion
that stands for it. Skipped where there is no spin (Debian package spin).
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

# Definitions, and the part of the assertion that must fail; None: no error.
VARIANTS = [
    ([], None),
    (["-DNP=3", "-DBELOW=2"], None),
    (["-DNO_RAGGED"], "restarts<="),
    (["-DNO_RECHECK"], "grey==0"),
    (["-DNO_RECHECK", "-DLATE=0"], "grey==0"),
    (["-DNO_RECHECK_GLOBAL"], "grey==0"),
    (["-DNO_RAGGED", "-DNO_RECHECK"], "grey==0"),
]


def must(words, folder):
    run = subprocess.run(words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         text=True, check=False)
    if run.returncode != 0:
        sys.exit(f"{' '.join(words)} ended with status {run.returncode}:\n{run.stdout}")
    return run.stdout


def verify(model, defines):
    """The failed assertion or end state, None: none; and the number of states."""
    with tempfile.TemporaryDirectory() as folder:
        must(["spin", "-a"] + defines + [model], folder)
        must(["cc", "-O1", "-w", "-DSAFETY", "-DMEMLIM=1024", "-o", "pan", "pan.c"], folder)
        out = must(["./pan", "-m1000000"], folder)
    if "max search depth too small" in out or "Search not completed" in out and "errors: 0" in out:
        sys.exit(f"not every state was visited:\n{out}")
    error = re.search(r"^pan:\d+: (.*) \(at depth", out, flags=re.M)
    count = re.search(r"^\s*(\d+) states, stored", out, flags=re.M)
    errors = re.search(r"errors: (\d+)", out)
    if not count or not errors or (error is None) != (errors.group(1) == "0"):
        sys.exit(f"not understood:\n{out}")
    return error and error.group(1), int(count.group(1))


def main():
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        print(__doc__.strip())
        return 2
    if shutil.which("spin") is None:
        print("skipped: spin is not installed (Debian package spin)")
        return 77
    faults = 0
    for defines, wanted in VARIANTS:
        found, states = verify(os.path.abspath(sys.argv[1]), defines)
        good = found is None if wanted is None else found is not None and wanted in found
        faults += not good
        print(f"{' '.join(defines) or 'the design'}: {found or 'no error'}, {states} states"
              f"{'' if good else ': WRONG, expected ' + (wanted or 'no error')}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
