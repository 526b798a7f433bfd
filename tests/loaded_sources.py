"""All sources, loaded before processes are forked: most of these ask for the title of each."""

from bridge.sources import SOURCES

LOADED = list(SOURCES.values())
