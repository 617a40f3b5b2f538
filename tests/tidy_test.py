#!/usr/bin/env python3
"""Feeds tidy.py one bad file per rule; each must be found, and a good tree must pass."""
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from tidy import Tidy  # noqa: E402


def findings(files):
    with tempfile.TemporaryDirectory() as root:
        for path, text in files.items():
            full = os.path.join(root, path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "w", encoding="utf-8") as f:
                f.write(text)
        return Tidy(root).run()


class TidyTest(unittest.TestCase):
    def expect(self, files, fragment):
        found = findings(files)
        self.assertTrue(any(fragment in line for line in found), found)

    def test_good_tree(self):
        self.assertEqual(findings({"gc/a.c": '#include "runtime/plat.h"\n\nint f(void) { return 1; }\n'}), [])

    def test_layer(self):
        self.expect({"gc/a.c": '#include "sched/go.h"\n'}, "gc/ may not include sched/")

    def test_private_header(self):
        self.expect({"maps/a.c": '#include "gc/heap_int.h"\n'}, "private to its folder")

    def test_banned(self):
        self.expect({"sched/a.c": "void *f(void) { return malloc(1); }\n"}, "malloc is not for the core")
        self.expect({"gc/a.c": "static volatile int x;\n"}, "volatile is not for the core")

    def test_banned_only_in_code(self):
        self.assertEqual(findings({"gc/a.c": "/* malloc(1) */\n"}), [])
        self.assertEqual(findings({"sims/a.c": "void *f(void) { return malloc(1); }\n"}), [])

    def test_preprocessor(self):
        self.expect({"maps/a.c": "#ifdef __x86_64__\n#endif\n"}, "#ifdef outside the platform seam")

    def test_guard(self):
        self.expect({"gc/a.h": "int f(void);\n"}, "include guard GC_A_H expected")

    def test_line_length(self):
        self.expect({"sims/a.c": "/* " + "x" * 120 + " */\n"}, "line of")

    def test_function_length(self):
        body = "  x++;\n" * 80
        self.expect({"sims/a.c": "int f(int x) {\n" + body + "  return x;\n}\n"}, "f has 83 lines")

    def test_file_length(self):
        self.expect({"sims/a.c": "int x;\n" * 900}, "900 lines")

    def test_parameters(self):
        self.expect({"gc/a.c": "int f(int a, int b, int c, int d, int e, int g, int h) { return a; }\n"},
                    "more than 6 parameters")

    def test_marker(self):
        self.expect({"sims/a.c": "/* " + "TO" + "DO */\n"}, "left-over marker")

    def test_invariant_needs_checker(self):
        self.expect({"gc/a.c": "/* INV gc.x: y */\n"}, "names no checker")
        self.expect({"gc/a.c": "/* INV gc.x: y\n * Checked by: gc_nothing().\n */\n"}, "no function gc_nothing")

    def test_invariant_names_what_exists(self):
        block = "/* INV gc.x: y\n * Checked by: tests/gc/%s (%s).\n */\n"
        test = {"tests/gc/test_a.c": "static void test_b(void **s) { (void)s; }\n"}
        self.assertEqual(findings({"gc/a.c": block % ("test_a.c", "test_b"), **test}), [])
        self.expect({"gc/a.c": block % ("test_c.c", "test_b"), **test}, "no file tests/gc/test_c.c")
        self.expect({"gc/a.c": block % ("test_a.c", "test_c"), **test}, "no test test_c")

    def test_outside(self):
        line = "# see ../" + "shared/notes\n"
        self.expect({"gc/a.c": "/* " + line[2:-1] + " */\n"}, "outside the project")
        self.expect({"gc/meson.build": line}, "outside the project")

    def test_invariant_twice(self):
        block = "/* INV gc.x: y\n * Checked by: f().\n */\nint f(void);\nint f(void) { return 1; }\n"
        self.expect({"gc/a.c": block, "gc/b.c": block}, "stated twice")


if __name__ == "__main__":
    unittest.main()
