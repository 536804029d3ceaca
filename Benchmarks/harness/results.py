"""What came of a measurement: tables, and what they are held against."""

from dataclasses import dataclass, field
from statistics import median


@dataclass
class Criterion:
    """Something that is asked of this library, and whether it holds; None where it could not be measured."""

    what: str
    asked: str
    measured: str
    holds: bool | None

    @property
    def verdict(self):
        return {True: "yes", False: "no", None: "not measured"}[self.holds]


@dataclass
class Table:
    head: list
    rows: list = field(default_factory=list)
    title: str = ""

    def add(self, *cells):
        self.rows.append([cell if isinstance(cell, str) else number(cell) for cell in cells])

    def markdown(self):
        lines = [self.head, ["---"] + ["---:"] * (len(self.head) - 1), *self.rows]
        text = "\n".join("| " + " | ".join(line) + " |" for line in lines)
        return f"{self.title}\n\n{text}" if self.title else text

    def plain(self):
        widths = [max(len(row[column]) for row in [self.head, *self.rows]) for column in range(len(self.head))]
        lines = [
            "  ".join(cell.ljust(width) if column == 0 else cell.rjust(width) for column, (cell, width) in enumerate(zip(row, widths)))
            for row in [self.head, *self.rows]
        ]
        return "\n".join([self.title] * bool(self.title) + lines)


@dataclass
class Topic:
    """One part of the report."""

    title: str
    text: str
    tables: list = field(default_factory=list)
    criteria: list = field(default_factory=list)
    notes: list = field(default_factory=list)


def number(value):
    """A number with three digits that count, and spaces between thousands."""
    if value is None:
        return ""
    if abs(value) >= 100:
        return f"{value:,.0f}".replace(",", " ")
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"


def at_least(what, value, bound, unit=""):
    return compare(what, value, bound, "at least", unit, lambda: value >= bound)


def at_most(what, value, bound, unit=""):
    return compare(what, value, bound, "at most", unit, lambda: value <= bound)


def compare(what, value, bound, words, unit, test):
    asked = f"{words} {bound:g}{unit}"
    if value is None:
        return Criterion(what, asked, "", None)
    return Criterion(what, asked, f"{number(value)}{unit}", bool(test()))


def ratio(value, other):
    """How many times the other one a value is; None where one of them was not measured."""
    return None if value is None or not other else value / other


def medians(rounds):
    """The median of each number over results of the same kind."""
    names = [name for name, value in rounds[0].items() if isinstance(value, (int, float))]
    return {name: median(result[name] for result in rounds) for name in names}


def alternating(rounds, measurements):
    """Runs measurements in turns, so that what changes on the machine meanwhile falls on all of them; their medians, by name."""
    results = {name: [] for name in measurements}
    for _ in range(rounds):
        for name, measure in measurements.items():
            results[name].append(measure())
    return {name: medians(found) for name, found in results.items()}
