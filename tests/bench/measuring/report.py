# SPDX-License-Identifier: Apache-2.0
"""The table, in the terminal, as Markdown and as JSON."""
import json
import os
import platform
import time

from measuring.figures import number, spread

_HEADS = ("row", "figure", "ours", "yardstick", "ratio", "budget", "met")


def _cells(row, figure):
    yardstick = (f"{figure.yardstick_name} {spread(figure.yardstick)}" if figure.yardstick
                 else "")
    met = {None: "", True: "yes", False: "NO"}[figure.is_met]
    return (row, f"{figure.what}, {figure.unit}", spread(figure.ours), yardstick,
            spread(figure.ratios) if figure.yardstick else "",
            str(figure.budget) if figure.budget else "", met)


def _lines(results):
    for row, figures, problem in results:
        yield from (_cells(row, figure) for figure in figures)
        if problem:
            yield (row, problem, "", "", "", "", "")


def as_markdown(results):
    """Also fit for the terminal: the columns are aligned."""
    lines = [_HEADS, *_lines(results)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(_HEADS))]
    rule = tuple("-" * width for width in widths)
    rows = [" | ".join(cell.ljust(width) for cell, width in zip(line, widths))
            for line in (_HEADS, rule, *lines[1:])]
    return "".join(f"| {line} |\n" for line in rows)


def write(results, directory):
    directory.mkdir(parents=True, exist_ok=True)
    about = {"at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "cpus": os.cpu_count(),
             "kernel": platform.release(), "load": number(os.getloadavg()[0])}
    figures = [figure.as_dict(row) for row, of_row, _ in results for figure in of_row]
    problems = {row: problem for row, _, problem in results if problem}
    (directory / "bench.json").write_text(
        json.dumps({"about": about, "figures": figures, "problems": problems}, indent=1) + "\n",
        encoding="utf-8")
    (directory / "bench.md").write_text(
        f"Measured at {about['at']} on {about['cpus']} CPUs, Linux {about['kernel']}, load "
        f"{about['load']}: median [least..most] of the rounds.\n\n{as_markdown(results)}",
        encoding="utf-8")
