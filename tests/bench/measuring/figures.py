# SPDX-License-Identifier: Apache-2.0
"""A figure: samples of ours, those of a yardstick in the same run, and the budget for both."""
import dataclasses
import statistics


@dataclasses.dataclass
class Budget:
    """What is bounded: the ratio of ours to the yardstick, ours itself ("value"), or by how much
    it is more than the yardstick ("excess")."""
    bound: float
    of: str = "ratio"
    is_least: bool = False

    def is_met_by(self, value):
        return value >= self.bound if self.is_least else value <= self.bound

    def __str__(self):
        text = ("≥ " if self.is_least else "≤ ") + f"{self.bound:,g}"
        return {"ratio": f"{text} ×", "value": text, "excess": f"{text} more"}[self.of]


@dataclasses.dataclass
class Figure:
    what: str
    unit: str
    ours: list
    budget: Budget = None  # None: shown for orientation
    yardstick_name: str = ""
    yardstick: list = None

    @property
    def ratios(self):
        """Of the rounds: what disturbs the machine for a while disturbs both sides."""
        if not self.yardstick:
            return []
        return [ours / yardstick if yardstick else float("nan")
                for ours, yardstick in zip(self.ours, self.yardstick)]

    @property
    def is_met(self):
        if self.budget is None:
            return None
        samples = {"ratio": lambda: self.ratios, "value": lambda: self.ours,
                   "excess": lambda: [a - b for a, b in zip(self.ours, self.yardstick)]}
        return self.budget.is_met_by(statistics.median(samples[self.budget.of]()))

    def as_dict(self, row):
        return {"row": row, "what": self.what, "unit": self.unit, "ours": self.ours,
                "yardstick_name": self.yardstick_name, "yardstick": self.yardstick,
                "ratio": statistics.median(self.ratios) if self.yardstick else None,
                "budget": str(self.budget) if self.budget else None, "met": self.is_met}


def number(value):
    """Three digits that count."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 0.1 else f"{value:.2g}"


def spread(samples):
    """median [least..most]"""
    text = number(statistics.median(samples))
    if len(samples) > 1:
        text += f" [{number(min(samples))}..{number(max(samples))}]"
    return text
