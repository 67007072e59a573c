# SPDX-License-Identifier: Apache-2.0
"""A run of the benchmarks: what is measured, how often, for how long; and the registry of rows."""
import pathlib
import shutil
import tempfile

ROWS = {}


def row(name, what):
    """Registers a row: a function of the bench that yields its figures."""
    def register(function):
        ROWS[name] = (what, function)
        return function
    return register


class Bench:
    def __init__(self, program, programs, out, is_smoke, rounds):
        self.program = program.resolve()
        self.programs = programs.resolve()
        self.out = out  # for pictures
        self.is_smoke = is_smoke
        self.rounds = 1 if is_smoke else rounds
        # Of a few checks in a hundred the machine is so late that they fail; more is a broken
        # benchmark. A smoke run may share the machine with anything.
        self.tolerance = 0.9 if is_smoke else 0.02
        self._root = pathlib.Path(tempfile.mkdtemp(prefix="hx-bench."))
        self._root.chmod(0o755)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self._root, ignore_errors=True)

    def directory(self):
        return pathlib.Path(tempfile.mkdtemp(dir=self._root))

    def scaled(self, n):
        """As many as asked for, in a smoke run a few."""
        return min(n, 20 + n // 50) if self.is_smoke else n

    def seconds(self, seconds):
        return min(seconds, 0.2) if self.is_smoke else seconds

    def interval_ms(self, interval_ms):
        return min(interval_ms, 200) if self.is_smoke else interval_ms

    def alternate(self, *measures):
        """Runs the measures in turn, round by round; a list of samples for each."""
        samples = [[] for _ in measures]
        for _ in range(self.rounds):
            for measure, of_measure in zip(measures, samples):
                of_measure.append(measure())
        return samples
