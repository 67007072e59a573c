# SPDX-License-Identifier: Apache-2.0
"""Two small charts side by side, as an SVG that is legible on light and dark pages."""
import html

WIDTH, HEIGHT = 360, 220
LEFT, RIGHT, TOP, BOTTOM = 48, 16, 34, 40
STYLE = """
text { font: 12px system-ui, sans-serif; fill: #57606a; }
.title { font-weight: 600; fill: #24292f; }
.grid { stroke: #d0d7de; stroke-width: 1; }
.ours { stroke: #0969da; fill: none; stroke-width: 2.5; }
.peer { stroke: #9a6700; fill: none; stroke-width: 2; stroke-dasharray: 5 3; }
text.ours { fill: #0969da; stroke: none; font-weight: 600; }
text.peer { fill: #9a6700; stroke: none; }
@media (prefers-color-scheme: dark) {
text { fill: #9198a1; } .title { fill: #f0f6fc; } .grid { stroke: #3d444d; }
.ours { stroke: #58a6ff; } text.ours { fill: #58a6ff; }
.peer { stroke: #d29922; } text.peer { fill: #d29922; }
}
"""


def _round_up(value):
    """To a figure of which a quarter is a round one too."""
    power = 1
    while power * 10 < value:
        power *= 10
    while power / 10 > value:
        power /= 10
    return next(step * power for step in (1, 2, 4, 6, 8, 10) if step * power >= value)


class _Chart:
    def __init__(self, at, title, sizes, top):
        self._at, self._title, self._sizes = at, title, sizes
        self._top = _round_up(top)

    def _x(self, n):
        return self._at + LEFT + (WIDTH - LEFT - RIGHT) * n / self._sizes[-1]

    def _y(self, value):
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / self._top

    def _line(self, kind, name, values, label_dy):
        points = " ".join(f"{self._x(n):.1f},{self._y(value):.1f}"
                          for n, value in zip(self._sizes, values))
        yield f'<polyline class="{kind}" points="{points}"/>'
        yield (f'<text class="{kind}" text-anchor="end" x="{self._x(self._sizes[-1]):.1f}" '
               f'y="{self._y(values[-1]) + label_dy:.1f}">{html.escape(name)}</text>')

    def draw(self, ours, peer):
        yield f'<text class="title" x="{self._at + LEFT}" y="18">{html.escape(self._title)}</text>'
        for i in range(5):
            value = self._top * i / 4
            yield (f'<line class="grid" x1="{self._x(0):.1f}" x2="{self._x(self._sizes[-1]):.1f}" '
                   f'y1="{self._y(value):.1f}" y2="{self._y(value):.1f}"/>')
            yield (f'<text text-anchor="end" x="{self._x(0) - 6:.1f}" y="{self._y(value) + 4:.1f}">'
                   f'{value:g}</text>')
        for n, anchor in ((0, "middle"), (self._sizes[-1] / 2, "middle"), (self._sizes[-1], "end")):
            yield (f'<text text-anchor="{anchor}" x="{self._x(n):.1f}" y="{HEIGHT - BOTTOM + 18}">'
                   f'{n:,.0f}</text>')
        is_ours_above = ours[-1] >= peer[-1]
        yield from self._line("peer", "haproxy", peer, 48 if is_ours_above else -18)
        yield from self._line("ours", "health_exporter", ours, -14 if is_ours_above else 48)


def draw(sizes, ours, peer):
    """ours and peer: pairs of percent and megabytes, one for each size."""
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * WIDTH} {HEIGHT}" '
             'role="img" aria-label="Processor and memory against the number of dependencies">',
             f"<style>{STYLE}</style>"]
    for i, title in enumerate(("% of a CPU", "MB of RSS")):
        mine, theirs = [one[i] for one in ours], [one[i] for one in peer]
        parts += _Chart(i * WIDTH, title, sizes, max(mine + theirs)).draw(mine, theirs)
    parts.append(f'<text text-anchor="middle" x="{WIDTH}" y="{HEIGHT - 6}">tcp dependencies, each '
                 "checked once a second</text></svg>")
    return "\n".join(parts) + "\n"
