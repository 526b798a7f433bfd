"""The registry of sources: a new one is a module beside this and a line here."""

from collections.abc import Mapping

from bridge.sources.base import Source
from bridge.sources.github import GITHUB
from bridge.sources.presets import PRESETS

SOURCES: Mapping[str, Source] = {source.name: source for source in (GITHUB, *PRESETS)}
