#!/usr/bin/env python3
"""Style as a test: layers, names, sizes and fixed comment forms that a script can check.

usage: tidy.py ROOT            prints one line per finding; exit 1 when there is any
"""
import os
import re
import sys

LAYERS = ["runtime", "gc", "sched", "maps", "sims", "tests"]
CORE = {"runtime", "gc", "sched", "maps"}
LINE_MAX, FILE_MAX, FUNCTION_MAX, PARAMS_MAX = 100, 800, 70, 6

# Names the core may use only behind the platform seam, and what to use instead.
BANNED = {
    r"\bpthread_\w+": "plat_thread_*, plat_mutex_*, plat_note_*",
    r"\batomic_\w+\s*\(": "at_*",
    r"\b__atomic_\w+": "at_*, plat_ld, plat_st",
    r"\b__sync_\w+": "at_*",
    r"\b_Atomic\b": "struct at_*",
    r"\bvolatile\b": "at_*",
    r"\buv_\w+": "plat_*",
    r"\b(?:clock_gettime|gettimeofday|time)\s*\(": "plat_now_ns",
    r"\b(?:rand|random|srand)\s*\(": "plat_random_u64, rng_*",
    r"\bgetenv\s*\(": "an explicit option",
    r"\b(?:malloc|calloc|realloc|free)\s*\(": "rt_meta_alloc, plat_vm_*",
    r"\b(?:printf|fprintf|puts|fputs)\s*\(": "rt_die, rt_fatal, events",
    r"\b(?:mmap|munmap|mprotect|madvise)\s*\(": "plat_vm_*",
    r"\b_Thread_local\b": "the goroutine or P argument",
}
# Where the seam itself lives, and the collector that is a foreign library.
SEAM = ("runtime/native/", "runtime/model/", "runtime/san_", "runtime/ctx_", "runtime/vmem.c", "gc/boehm/")
PREPROCESSOR_OK = SEAM + ("runtime/plat.h",)


def build_files(root):
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith((".", "build"))]
        if "meson.build" in names:
            yield os.path.relpath(os.path.join(folder, "meson.build"), root)


def c_files(root):
    for layer in LAYERS:
        for folder, _, names in os.walk(os.path.join(root, layer)):
            for name in sorted(names):
                if name.endswith((".c", ".h", ".def", ".S")):
                    yield os.path.relpath(os.path.join(folder, name), root)


def strip_comments(text):
    """Blanks comments and string contents, keeping line structure."""
    def blank(match):
        s = match.group(0)
        if s.startswith("/"):
            return re.sub(r"[^\n]", " ", s)
        return s[0] + " " * (len(s) - 2) + s[-1]
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text,
                  flags=re.S)


def functions(code):
    """(first line, last line, header) of every function: a block opened at depth 0 after ')'."""
    depth, start, header_from = 0, 0, 0
    for i, ch in enumerate(code):
        if ch == "{":
            if depth == 0:
                header = code[header_from:i]
                start = i if header.rstrip().endswith(")") and "=" not in header else -1
                where = header_from + len(header) - len(header.lstrip())
            depth += 1
        elif ch == "}":
            depth -= 1
            if depth == 0:
                if start >= 0:
                    yield (code.count("\n", 0, where) + 1, code.count("\n", 0, i) + 1,
                           code[where:start])
                header_from = i + 1
        elif ch == ";" and depth == 0:
            header_from = i + 1
        elif ch == "#" and depth == 0:
            end = code.find("\n", i)
            while end > 0 and code[end - 1] == "\\":
                end = code.find("\n", end + 1)
            header_from = max(header_from, end)


class Tidy:
    def __init__(self, root):
        self.root, self.findings, self.invariants, self.all_text = root, [], {}, {}

    def say(self, path, line, text):
        self.findings.append(f"{path}:{line}: {text}")

    def layer(self, path, number, line):
        m = re.match(r'\s*#\s*include\s+"([a-z]+)/', line)
        mine = path.split("/")[0]
        if m and m.group(1) in LAYERS and LAYERS.index(m.group(1)) > LAYERS.index(mine):
            self.say(path, number, f"{mine}/ may not include {m.group(1)}/")
        m = re.match(r'\s*#\s*include\s+"([^"]*_int\.h)"', line)
        if m and os.path.dirname(m.group(1)).split("/")[0] not in (mine, "") and mine != "tests":
            self.say(path, number, f"{m.group(1)} is private to its folder")

    def lines(self, path, text):
        code = strip_comments(text).split("\n")
        for number, line in enumerate(text.split("\n"), 1):
            if len(line) > LINE_MAX:
                self.say(path, number, f"line of {len(line)} characters, {LINE_MAX} allowed")
            if line.rstrip() != line:
                self.say(path, number, "trailing white space")
            if re.search(r"\b(TODO|FIXME|XXX|HACK)\b", line):
                self.say(path, number, "left-over marker")
            self.outside(path, number, line)
            self.layer(path, number, line)
            self.banned(path, number, code[number - 1])

    def outside(self, path, number, line):
        if re.search(r"\.\./shared|work/shared|helper [A-H]\b", line):
            self.say(path, number, "mentions something outside the project")

    def banned(self, path, number, code):
        if path.split("/")[0] not in CORE or path.startswith(SEAM):
            return
        for pattern, instead in BANNED.items():
            m = re.search(pattern, code)
            if m:
                self.say(path, number, f"{m.group(0).strip('( ')} is not for the core; use {instead}")

    def preprocessor(self, path, text):
        if path.split("/")[0] not in CORE or path.startswith(PREPROCESSOR_OK):
            return
        for number, line in enumerate(text.split("\n"), 1):
            m = re.match(r"\s*#\s*(if|ifdef|ifndef|elif)\b(.*)", line)
            if m and not re.match(r"\s*[A-Z0-9_]+_H\s*$", m.group(2)):
                self.say(path, number, f"#{m.group(1)} outside the platform seam")

    def header(self, path, text):
        if not path.endswith(".h"):
            return
        guard = re.sub(r"[/.]", "_", path).upper()
        if path.split("/")[0] in CORE and not path.startswith(SEAM):
            if f"#ifndef {guard}" not in text:
                self.say(path, 1, f"include guard {guard} expected")

    def sizes(self, path, text):
        count = text.count("\n")
        if count > FILE_MAX:
            self.say(path, 1, f"{count} lines, {FILE_MAX} allowed")
        if not path.endswith((".c", ".h")):
            return
        for first, last, head in functions(strip_comments(text)):
            name = re.search(r"(\w+)\s*\(", head)
            name = name.group(1) if name else "?"
            if last - first + 1 > FUNCTION_MAX:
                self.say(path, first, f"{name} has {last - first + 1} lines, {FUNCTION_MAX} allowed")
            params = head[head.find("(") + 1:head.rfind(")")]
            flat = re.sub(r"\([^()]*\)", "", params)
            if flat.count(",") + 1 > PARAMS_MAX and path.split("/")[0] != "tests":
                self.say(path, first, f"{name} has more than {PARAMS_MAX} parameters")

    def invariant_blocks(self, path, text):
        for m in re.finditer(r"\bINV ([a-z0-9_.]+):(.*?)\*/", text, flags=re.S):
            number = text.count("\n", 0, m.start()) + 1
            if m.group(1) in self.invariants:
                self.say(path, number, f"invariant {m.group(1)} is stated twice")
            self.invariants[m.group(1)] = (path, number, m.group(2))

    def checked_by(self):
        everything = "\n".join(self.all_text.values())
        for name, (path, number, body) in sorted(self.invariants.items()):
            m = re.search(r"Checked by:(.*)", body, flags=re.S)
            if not m:
                self.say(path, number, f"invariant {name} names no checker")
                continue
            for function in re.findall(r"\b(\w+)\(\)", m.group(1)):
                if len(re.findall(r"\b%s\b" % function, everything)) < 2:
                    self.say(path, number, f"invariant {name}: no function {function}")
            for function in re.findall(r"\b(test_\w+)\b(?!\.)", m.group(1)):
                if not re.search(r"\b%s\(" % function, everything):
                    self.say(path, number, f"invariant {name}: no test {function}")
            for file in re.findall(r"\b(?:tests/\w+/)?\w+\.c\b", m.group(1)):
                if not any(("/" + known).endswith("/" + file) for known in self.all_text):
                    self.say(path, number, f"invariant {name}: no file {file}")

    def run(self):
        for path in c_files(self.root):
            with open(os.path.join(self.root, path), encoding="utf-8") as f:
                text = f.read()
            self.all_text[path] = text
            self.lines(path, text)
            self.preprocessor(path, text)
            self.header(path, text)
            self.sizes(path, text)
            self.invariant_blocks(path, text)
        for path in build_files(self.root):
            with open(os.path.join(self.root, path), encoding="utf-8") as f:
                for number, line in enumerate(f, 1):
                    self.outside(path, number, line)
        self.checked_by()
        return self.findings


def main():
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        print(__doc__.strip())
        return 2
    findings = Tidy(sys.argv[1]).run()
    for line in findings:
        print(line)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
