"""The services that need no code: each file of this folder is the form of one."""

import tomllib
from collections.abc import Sequence
from pathlib import Path

from bridge.sources.base import Source
from bridge.sources.generic import source

PRESETS: Sequence[Source] = tuple(
    source(path.stem, tomllib.loads(path.read_text("utf-8")), path.name)
    for path in sorted(Path(__file__).parent.glob("*.toml"))
)
