#!/usr/bin/env python3
"""The schema and the loader state the same rules.

usage: schema_test.py SCENARIO_CASES SCENARIO_CHECK CONFIGS

  * the schema is a valid schema, and describes every property;
  * every scenario of CONFIGS and its resolved form is valid, is named like its file, and is
    listed in README.md and installed by meson.build;
  * every case of SCENARIO_CASES (judged by the loader in test_cases.c) gets the verdict its kind
    says; of cases that repeat a key with another operation, one in five is tried;
  * of random changes to the scenarios, none is accepted by the loader and refused by the schema;
  * a schema with one rule taken out is noticed by the cases.
"""
import copy
import glob
import json
import os
import random
import subprocess
import sys
import tempfile

try:
    from jsonschema import Draft202012Validator
except ImportError:
    print("python3-jsonschema is not installed: skipped")
    sys.exit(77)

CASES, CHECK, CONFIGS = sys.argv[1:4]
SEED = 20220802
MUTANTS = 400 * int(os.environ.get("TEST_SCALE", "100")) // 100
faults = []


def fault(text):
    faults.append(text)
    if len(faults) <= 20:
        print("FAULT:", text)


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def undescribed(schema, where=""):
    """Properties without a description, except in rules that only refine others."""
    for key, value in schema.get("properties", {}).items():
        if "description" not in value:
            yield f"{where}/{key}"
    for name, value in schema.get("$defs", {}).items():
        yield from undescribed(value, f"{where}/$defs/{name}")


def places(value, path=()):
    yield path
    items = value.items() if isinstance(value, dict) else \
        enumerate(value) if isinstance(value, list) else ()
    for key, child in items:
        yield from places(child, path + (key,))


def parent_of(document, path):
    for step in path[:-1]:
        document = document[step]
    return document


WORDS = ["", "x", "m", "queue", "sequential", "zipf", "uniform", "string", "large", "unit", "off",
         "none", "64KiB", "64KB", "1.5ms", "2s", "loop", "gc", "alloc", "lock", "map.put", "yield"]
KEYS = ["op", "map", "list", "count", "keys", "body", "ns", "bytes", "depth", "name", "seed", "gc",
        "dist", "theta", "space", "step", "value_bytes", "key_bytes", "tree", "node_bytes", "min",
        "equals", "duration_ns", "safepoints", "runtime", "maps", "zzz"]


def random_value(rng, pool):
    kind = rng.randrange(7)
    if kind == 0:
        return rng.choice([0, 1, 2, 3, 8, 16, 100, 128, 129, 2 ** 31, 2 ** 63, 2 ** 64, -1])
    if kind == 1:
        return rng.choice([0.5, 1.0, 1.5, -0.5, 1e3])
    if kind == 2:
        return rng.choice([True, False, None])
    if kind in (3, 4):
        return rng.choice(WORDS)
    return copy.deepcopy(rng.choice(pool))


def mutate(rng, document, pool):
    document = copy.deepcopy(document)
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        path = rng.choice(list(places(document)))
        if not path:
            continue
        parent, key = parent_of(document, path), path[-1]
        kind = rng.randrange(4)
        if kind == 0:
            del parent[key]
        elif kind == 1 and isinstance(parent, dict):
            parent[rng.choice(KEYS)] = parent.pop(key)
        elif kind == 2 and isinstance(parent, dict):
            parent[rng.choice(KEYS)] = random_value(rng, pool)
        else:
            parent[key] = random_value(rng, pool)
    return document


def step_into(value, step):
    """The key of a child, as paths of "choose" name it."""
    if isinstance(value, list):
        names = [item.get("name") if isinstance(item, dict) else None for item in value]
        return names.index(step) if step in names else int(step)
    return step


def with_choices(document):
    """What the loader reads: the first of the values in each place that is chosen, whatever stands
    there."""
    document = copy.deepcopy(document)
    for choice in document.get("choose", []) if isinstance(document, dict) else []:
        try:
            place, steps = document, choice["set"].split(".")
            for step in steps[:-1]:
                place = place[step_into(place, step)]
            place[step_into(place, steps[-1])] = choice["values"][0]
        except (AttributeError, IndexError, KeyError, TypeError, ValueError):
            pass
    return document


def judge_mutants(validator, documents):
    rng = random.Random(SEED)
    pool = [value for d in documents for path in places(d) if path
            for value in [parent_of(d, path)[path[-1]]]]
    mutants = [mutate(rng, rng.choice(documents), pool) for _ in range(MUTANTS)]
    accepted = 0
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for i, mutant in enumerate(mutants):
            paths.append(os.path.join(folder, f"{i}.json"))
            with open(paths[-1], "w", encoding="utf-8") as file:
                json.dump(mutant, file)
        run = subprocess.run([CHECK] + paths, stdout=subprocess.PIPE, text=True, check=False)
        if run.returncode not in (0, 1):
            fault(f"scenario_check ended with status {run.returncode}")
        good = {line[:-4] for line in run.stdout.splitlines() if line.endswith(": OK")}
        for path, mutant in zip(paths, mutants):
            valid = validator.is_valid(with_choices(mutant))
            accepted += path in good
            if path in good and not valid:
                fault(f"seed {SEED}: the loader accepts, the schema refuses: {json.dumps(mutant)}")
    print(f"{MUTANTS} mutants, {accepted} accepted by the loader")


def judge_cases(validator, cases):
    """Notes in each case which rules refuse it: (name of the place in the schema, rule)."""
    counts = {}
    for case in cases:
        counts[case["kind"]] = counts.get(case["kind"], 0) + 1
        case["document"] = json.loads(case["text"])
        errors = list(validator.iter_errors(case["document"]))
        case["rules"] = {(str(e.absolute_schema_path[-2]), e.validator) for e in errors
                         if len(e.absolute_schema_path) > 1}
        if case["kind"] != "meaning" and (not errors) != (case["kind"] == "valid"):
            fault(f"the schema {'refuses' if errors else 'accepts'}: {case['text']}")
    return counts


def uses_of(schema, rule):
    """Where a rule stands, except where it only selects a variant or repeats the selection."""
    for path in places(schema):
        if path and path[-1] == rule and "if" not in path and path[-2:-1] != ("properties",) \
                and path[-2:] not in (("op", "const"), ("dist", "const"), ("program", "const")):
            yield path


def is_noticed(validator, case):
    document = case["document"] if "document" in case else json.loads(case["text"])
    return case["kind"] != "meaning" and validator.is_valid(document) != (case["kind"] == "valid")


def judge_broken_schemas(schema, cases, passed_over):
    rng = random.Random(SEED)
    for rule in ("minimum", "maximum", "required", "additionalProperties", "enum", "pattern",
                 "multipleOf", "const", "maxLength", "minItems", "uniqueItems", "propertyNames"):
        path = rng.choice(list(uses_of(schema, rule)))
        broken = copy.deepcopy(schema)
        del parent_of(broken, path)[rule]
        validator = Draft202012Validator(broken)
        likely = sorted(cases, key=lambda case: (str((path[:-1] or ("",))[-1]), rule)
                        not in case["rules"])
        if not any(is_noticed(validator, case) for case in likely + passed_over):
            fault(f"no case notices a schema without {'/'.join(map(str, path))}")


def main():
    schema = load(os.path.join(CONFIGS, "scenario.schema.json"))
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    for where in undescribed(schema):
        if "/$defs/size." not in where:
            fault(f"no description: {where}")
    documents = []
    races = sorted(glob.glob(os.path.join(CONFIGS, "races", "*.json")))
    for path in sorted(glob.glob(os.path.join(CONFIGS, "*.json"))) + races:
        if path.endswith((".schema.json", "/cost-model.json")):
            continue
        documents.append(load(path))
        name = os.path.basename(path)[:-5]
        if documents[-1]["name"] != name:
            fault(f"{path}: the scenario is called {documents[-1]['name']}")
        mentions = (("README.md", f"`{name}`"), ("meson.build", f"'{name}.json'"))
        if path in races:
            mentions = (("races/meson.build", f"'{name}',"),)
        for other, mention in mentions:
            with open(os.path.join(CONFIGS, other), encoding="utf-8") as file:
                if mention not in file.read():
                    fault(f"{path}: not in {other}")
        resolved = subprocess.run([CHECK, "--resolved", path], stdout=subprocess.PIPE, text=True,
                                  check=True).stdout
        for what, document in (("", documents[-1]), (" resolved", json.loads(resolved))):
            for error in validator.iter_errors(document):
                fault(f"{path}{what}: {error.json_path}: {error.message}")
    lines = subprocess.run([CASES], stdout=subprocess.PIPE, text=True, check=True).stdout
    rng = random.Random(SEED)
    every = [json.loads(line) for line in lines.splitlines()]
    cases = [case for case in every if not case["again"] or rng.random() < 0.2]
    counts = judge_cases(validator, cases)
    print(f"{len(documents)} scenarios, cases: {counts}")
    if counts.get("structure", 0) < 800 or counts.get("valid", 0) < 150:
        fault("too few cases")
    judge_broken_schemas(schema, cases, [case for case in every if "document" not in case])
    judge_mutants(validator, documents)
    if faults:
        sys.exit(f"{len(faults)} faults")


main()
