"""The registry of sources: a new one is a module beside this and a line here."""

from collections.abc import Mapping

from bridge.sources.azure_container_registry import AZURE_CONTAINER_REGISTRY
from bridge.sources.azure_devops import AZURE_DEVOPS
from bridge.sources.base import Source
from bridge.sources.event_grid import EVENT_GRID
from bridge.sources.github import GITHUB

SOURCES: Mapping[str, Source] = {
    source.name: source
    for source in (
        GITHUB,
        AZURE_DEVOPS,
        EVENT_GRID,
        AZURE_CONTAINER_REGISTRY,
    )
}
