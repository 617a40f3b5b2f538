#!/usr/bin/env python3
"""Kinds of barrier, a second opinion: go-weave's Yuasa model (F8.7) with the operations of a weave
(weave.h) in a few lines, every interleaving of it, and what the shipped collector does with the same
data choices. A choice is violated by the one exactly when it is by the other.

usage: weave_model.py COMMAND...   runs the command, which writes a line for each choice that it has
                                   searched: kind of barrier, number of the choice, violated or not
"""
import collections
import subprocess
import sys

Kind = collections.namedtuple("Kind", "old new while_roots snapshot rescan")
KINDS = {
    "yuasa": Kind(True, False, False, True, False),
    "yuasa-no-snapshot": Kind(True, False, False, False, False),
    "dijkstra": Kind(False, True, False, False, True),
    "dijkstra-no-rescan": Kind(False, True, False, False, False),
    "hybrid": Kind(True, True, False, False, False),
    "conditional": Kind(True, True, True, False, False),
}
LOAD, STORE, PUT = range(3)
REST, READY, RECORDED = range(3)  # where a mutator is in its write; at REST it may be stopped

# at: of each mutator (number of its write, where in it). rest: names of what is yet to come of the
# collection; the first is next. Objects are numbered from 1, 0 is nil.
State = collections.namedtuple("State", "at regs root links todo marked grey buffers shades roots")


def choice(number):
    digits = []
    for base in (3, 3, 3, 3, 4, 4, 4, 4, 4, 4):
        digits.append(number % base)
        number //= base
    return (digits[0:2], digits[2:4]), digits[4], tuple(digits[5:8]), tuple(digits[8:10])


def put(row, place, value):
    return row[:place] + (value,) + row[place + 1:]


def shade(s, objects):
    for o in objects:
        if o and o not in s.marked:
            s = s._replace(marked=s.marked | {o}, grey=s.grey + (o,))
    return s


def scan(s):
    """The object that was found last."""
    return shade(s._replace(grey=s.grey[:-1]), [s.links[s.grey[-1] - 1]])


def mutator(kind, writes, s, m):
    """Its next step."""
    number, where = s.at[m]
    write, own = writes[m][number], s.regs[m]
    done = s._replace(at=put(s.at, m, (number + 1, REST)))
    if where == REST:
        return s._replace(at=put(s.at, m, (number, READY)))
    if write == LOAD:
        return done._replace(regs=put(s.regs, m, s.links[own - 1])) if own else done
    if write == STORE and not own:
        return done
    if where == RECORDED:
        if write == PUT:
            return done._replace(root=own)
        return done._replace(links=put(s.links, own - 1, 0))
    old, new = (s.root, own) if write == PUT else (s.links[own - 1], 0)
    record = ()
    if s.shades:
        shades_new = kind.new and (s.roots > 0 or not kind.while_roots)
        record = ((new,) if shades_new else ()) + ((old,) if kind.old else ())
    return s._replace(at=put(s.at, m, (number, RECORDED)),
                      buffers=put(s.buffers, m, s.buffers[m] + record))


def flush(s, m):
    return shade(s, s.buffers[m])._replace(buffers=put(s.buffers, m, ()))


def is_lost(kind, s):
    """In the last stop."""
    if kind.rescan:
        s = shade(s, s.regs)
        while s.grey:
            s = scan(s)
    todo, reached = [s.root, *s.regs], set()
    while todo:
        o = todo.pop()
        if o and o not in reached:
            reached.add(o)
            todo.append(s.links[o - 1])
    return not reached <= s.marked


def collector(kind, s):
    """Its next step, to be taken alone where the step's name is a mutator's number, or "stop"."""
    step, s = s.todo[0], s._replace(todo=s.todo[1:])
    rest = [where for _, where in s.at]
    if step == "first stop" and rest == [REST, REST]:
        todo = ("root",) + (() if kind.snapshot else ("stack 0", "stack 1")) + ("mark",)
        s = s._replace(shades=True, todo=todo, roots=len(todo) - 1)
        return shade(s, s.regs) if kind.snapshot else s
    if step == "root":
        return shade(s, [s.root])._replace(roots=s.roots - 1)
    if step.startswith("stack") and rest[int(step[-1])] == REST:
        return shade(s, [s.regs[int(step[-1])]])._replace(roots=s.roots - 1)
    if step == "mark":
        if s.grey:
            return scan(s)._replace(todo=("mark",))
        return s._replace(todo=("flush 0", "flush 1", "look"))
    if step.startswith("flush") and rest[int(step[-1])] == REST:
        return flush(s, int(step[-1]))
    if step == "look":
        return s._replace(todo=("mark",) if s.grey else ("last stop",))
    if step == "last stop" and rest == [REST, REST]:
        s = flush(flush(s, 0), 1)
        return s._replace(todo=("mark",) if s.grey else ())
    return None


def is_violated(name, number):
    kind = KINDS[name]
    writes, root, links, regs = choice(number)
    first = State(((0, REST), (0, REST)), regs, root, links, ("first stop",), frozenset(), (),
                  ((), ()), False, 0)
    seen, stack = {first}, [first]
    while stack:
        s = stack.pop()
        following = [mutator(kind, writes, s, m) for m in (0, 1) if s.at[m][0] < len(writes[m])]
        after = collector(kind, s)
        if after is not None and not after.todo:
            if is_lost(kind, after):
                return True
            after = None
        for new in following + [after]:
            if new is not None and new not in seen:
                seen.add(new)
                stack.append(new)
    return False


def main(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    lines = [line.split() for line in done.stdout.splitlines()]
    wrong, violated = 0, 0
    for kind, number, said in lines:
        expected = is_violated(kind, int(number))
        violated += expected
        if (said == "violated") != expected:
            wrong += 1
            print(f"{kind} {number}: the model says {'violated' if expected else 'clean'}, not {said}")
    print(f"{len(lines)} choices, {violated} violated, {wrong} different")
    return 0 if lines and violated and not wrong else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
