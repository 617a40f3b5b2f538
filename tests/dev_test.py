#!/usr/bin/env python3
"""Drives ./dev with stand-ins for the tools it calls: which program it becomes, where, with which
arguments; and what it says when something is missing or does not build.

usage: dev_test.py DEV
"""
import os
import stat
import subprocess
import sys
import tempfile
import unittest

DEV = os.path.abspath(sys.argv.pop()) if len(sys.argv) > 1 else None
SAY = '#!/bin/sh\necho "$(basename "$0") $* in $(pwd)"\n'


class DevTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = os.path.realpath(self.folder.name)
        self.build = os.path.join(self.root, "build")
        self.elsewhere = os.path.join(self.root, "elsewhere")
        os.makedirs(self.elsewhere)
        self.write("build/build.ninja", "", 0o644)
        self.write("build/sims/tricolor", SAY)
        self.write("bin/meson", SAY)
        self.write("bin/ninja", "#!/bin/sh\n")
        self.write("bin/dpkg-query", "#!/bin/sh\necho install ok installed\n")

    def tearDown(self):
        self.folder.cleanup()

    def write(self, path, text, mode=0o755):
        full = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(full, stat.S_IFREG | mode)

    def dev(self, *words):
        env = dict(os.environ, TRICOLOR_BUILD=self.build,
                   PATH=os.path.join(self.root, "bin") + ":" + os.environ["PATH"])
        done = subprocess.run([DEV, *words], cwd=self.elsewhere, env=env, check=False,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True)
        return done.returncode, done.stdout, done.stderr

    def test_programs_run_where_dev_was_started(self):
        self.assertEqual(self.dev("run", "my.json", "--seed", "7"),
                         (0, f"tricolor job my.json --seed 7 in {self.elsewhere}\n", ""))
        self.assertEqual(self.dev("bench", "--runs", "3"),
                         (0, f"tricolor bench --runs 3 in {self.elsewhere}\n", ""))

    def test_install_goes_to_the_prefix_of_this_call(self):
        status, out, _ = self.dev("install", "here")
        self.assertEqual(status, 0)
        self.assertIn(f"install -C {self.build}-install", out)
        self.write("build-install/build.ninja", "", 0o644)
        status, out, _ = self.dev("install", "there")
        self.assertIn(f"configure {self.build}-install -Dprefix={self.elsewhere}/there", out)

    def test_missing_packages_are_named(self):
        self.write("bin/dpkg-query", "#!/bin/sh\nfor p; do :; done\n"
                   "[ $p = libuv1-dev ] || [ $p = meson ] || echo install ok installed\n")
        self.write("bin/id", "#!/bin/sh\necho 1000\n")
        self.write("bin/sudo", "#!/bin/sh\nexit 1\n")
        self.assertEqual(self.dev("run", "x"), (
            2, "", "dev: these Debian packages are missing: meson libuv1-dev\n"
            "dev: install them with: apt-get install meson libuv1-dev\n"))

    def test_broken_build_is_shown(self):
        self.write("bin/ninja", "#!/bin/sh\necho a.c: error\nexit 1\n")
        self.assertEqual(self.dev("run", "x"), (2, "", "a.c: error\n"))

    def test_usage(self):
        self.assertEqual(self.dev("frob")[0], 2)
        self.assertEqual(self.dev()[0], 2)
        status, out, err = self.dev("--help")
        self.assertEqual((status, err), (0, ""))
        self.assertIn("usage: ./dev COMMAND", out)


if __name__ == "__main__":
    unittest.main()
