"""The parser that every family of commands extends."""

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn

Command = Callable[[argparse.Namespace], int]  # returns the exit status


class Parser(argparse.ArgumentParser):
    """A parser that reports a wrong command line in one line."""

    def error(self, message: str) -> NoReturn:
        """Print one line instead of the usage and a line."""
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[Parser]  # noqa: SLF001  argparse has no public name for it
