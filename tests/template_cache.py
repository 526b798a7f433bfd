"""Templates that are compiled once for all processes of a test run."""

import hashlib
import marshal
import os
from pathlib import Path

from jinja2 import Environment

_compile = Environment.compile


def use(folder: Path) -> None:
    """Keep the code of all templates in a folder."""

    def compiled(self, source, name=None, filename=None, raw=False, defer_init=False):
        # An expression, which has no name, is compiled sooner than read.
        if raw or name is None or not isinstance(source, str):
            return _compile(self, source, name, filename, raw, defer_init)
        # What else decides about the code.
        how = (type(self).__name__, self.trim_blocks, self.lstrip_blocks, bool(self.autoescape), sorted(self.filters))
        path = folder / hashlib.sha256(repr((how, name, filename, defer_init, source)).encode()).hexdigest()
        try:
            return marshal.loads(path.read_bytes())
        except FileNotFoundError:
            code = _compile(self, source, name, filename, raw, defer_init)
        new = path.with_suffix(f".{os.getpid()}")
        new.write_bytes(marshal.dumps(code))
        new.replace(path)
        return code

    Environment.compile = compiled


def leave() -> None:
    """Compile again."""
    Environment.compile = _compile
