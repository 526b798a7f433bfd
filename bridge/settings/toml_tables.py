"""The tables of BRIDGE_CONFIG, read key by key, and the problems found in them and in the environment."""

import re
from collections.abc import Collection, Mapping
from dataclasses import field, replace
from typing import Any

from bridge.errors import SettingsError
from bridge.settings import toml_lines
from bridge.spelling import hint
from bridge.values import dataclass


class Problems:
    """What is wrong with a configuration, collected while it is read and reported all at once."""

    def __init__(self) -> None:
        self._found: list[str] = []
        self.deprecated: list[str] = []  # what still works, and what takes its place: a sentence each

    def add(self, problem: str) -> None:
        """Adds a sentence that names the setting at fault, and never its value."""
        self._found.append(problem)

    def names(self, setting: str) -> bool:
        """Whether something is wrong with that setting."""
        return any(problem.split()[0].rstrip(":") == setting for problem in self._found)

    def raise_any(self) -> None:
        """Raises SettingsError with every problem, if there are any."""
        if self._found:
            raise SettingsError(self._found)


@dataclass(frozen=True)
class Place:
    """Where a table or a key stands. As a text it is what a problem ends in: ` (line 3 of bridge.toml)`, or nothing.

    lines: those of the whole text. file: in which it is; empty: in the setting itself.
    """

    lines: Mapping[toml_lines.Path, int] = field(default_factory=dict, repr=False)
    path: toml_lines.Path = ()
    file: str = ""

    def at(self, *path: str | int) -> "Place":
        """The place of what is within."""
        return replace(self, path=(*self.path, *path))

    @property
    def line(self) -> int:
        """The line, or 0."""
        return toml_lines.line_of(self.lines, self.path)

    def __str__(self) -> str:
        of_file = f" of {self.file}" if self.file else ""
        return f" (line {self.line}{of_file})" if self.line else of_file and f" ({self.file})"


@dataclass(frozen=True)
class Table:
    """A table of TOML. where: its name in problems, such as `BRIDGE_CONFIG: route 1`.

    place: where in its text it stands, if that is known.
    """

    where: str
    values: Mapping[str, Any]
    problems: Problems
    place: Place = field(default_factory=Place)

    @staticmethod
    def of(where: str, value: object, problems: Problems, place: Place | None = None) -> "Table":
        """The value as a table; an empty one, and a problem, if it is none."""
        place = place or Place()
        if isinstance(value, Mapping):
            return Table(where, value, problems, place)
        problems.add(f"{where} must be a table{place}")
        return Table(where, {}, problems, place)

    def report(self, problem: str, key: str = "") -> None:
        """Adds a problem with the table: `has an unknown key 'x'`. key: the one at whose line it shows."""
        self.problems.add(f"{self.where} {problem}{self.place.at(key) if key else self.place}")

    def report_key(self, key: str, problem: str) -> None:
        """Adds a problem with the value of a key: `must be true or false`."""
        self.problems.add(f"{self.where}: `{key}` {problem}{self.place.at(key)}")

    def allow(self, keys: Collection[str]) -> None:
        """Reports every other key."""
        for key in sorted(self.values.keys() - set(keys)):
            self.report(f"has an unknown key {key!r}{hint(key, keys)}", key)

    def text(self, key: str, form: re.Pattern[str], meaning: str) -> str:
        """A text of that form, or an empty one."""
        value = self.values.get(key, "")
        if value == "" or (isinstance(value, str) and form.fullmatch(value)):
            return str(value)
        self.report_key(key, f"must be {meaning}")
        return ""

    def flag(self, key: str) -> bool:
        """Whether the key is true."""
        value = self.values.get(key, False)
        if not isinstance(value, bool):
            self.report_key(key, "must be true or false")
        return value is True

    def table(self, key: str, where: str) -> "Table":
        """The table at the key; an empty one where there is none."""
        return Table.of(where, self.values.get(key, {}), self.problems, self.place.at(key))

    def tables(self, key: str) -> "list[Table]":
        """The tables of `[[key]]`, each with its number in problems: `BRIDGE_CONFIG: expect 1`."""
        values = self.values.get(key, [])
        if not isinstance(values, list):
            self.problems.add(f"{self.where}: [[{key}]] stands in double brackets, because there may be several")
            return []
        return [
            Table.of(f"{self.where}: {key} {number + 1}", value, self.problems, self.place.at(key, number))
            for number, value in enumerate(values)
        ]

    def texts(self, key: str) -> "Table":
        """The table at the key, whose values are texts."""
        value, where = self.values.get(key, {}), f"{self.where}: `{key}`"
        if isinstance(value, Mapping) and all(isinstance(text, str) for text in value.values()):
            return Table(where, value, self.problems, self.place.at(key))
        self.report_key(key, "must be a table of names and texts")
        return Table(where, {}, self.problems)

    def renamed(self, former: Mapping[str, str]) -> "Table":
        """The table with today's names of the keys that it calls by former ones."""
        for old, new in former.items():
            if old in self.values and new in self.values:
                self.report(f"has both `{new}` and its former name `{old}`")
            elif old in self.values:
                self.problems.deprecated.append(f"{self.where}: `{old}` is called `{new}` today{self.place.at(old)}")
        return replace(self, values={former.get(key, key): value for key, value in self.values.items()})
