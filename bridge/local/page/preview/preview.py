"""Render the post of a payload again whenever the payload or a template has been saved."""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bridge.app import Bridge
from bridge.entries import Entry, Target, entry_id
from bridge.errors import BridgeError
from bridge.events import Event, Webhook
from bridge.local.collected_warnings import warnings_of
from bridge.publishing.stories import post_html
from bridge.receiving.participants import shown
from bridge.rendering import renderer as rendering
from bridge.rendering.renderer import Renderer
from bridge.sources.base import Ignored, Source

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Post:
    """What the page shows. templates: the names of the templates that were considered, and whether each was used."""

    topic: str = ""
    summary: str = ""
    html: str = ""
    templates: tuple[tuple[str, bool], ...] = ()
    problems: tuple[str, ...] = ()


class Preview:
    """The post of the payload in a file.

    folders: those with templates. bridge: makes a bridge that has not read any template yet. warnings: what is
    wrong with its settings, routes and templates.
    """

    def __init__(
        self,
        source: Source,
        file: Path,
        event: str,
        folders: Sequence[Path],
        bridge: Callable[[], Bridge],
        warnings: Callable[[Bridge], list[str]],
    ) -> None:
        self._source = source
        self._file = file
        self._event = event
        self._folders = folders
        self._bridge = bridge
        self._warnings = warnings
        self._saved: object = None
        self._post = Post()
        self._lock = threading.Lock()  # pages ask from several threads

    def current(self) -> Post:
        """The post as it is now, or the problems that prevent it."""
        files = [self._file, *(path for folder in self._folders for path in sorted(folder.rglob("*.html")))]
        saved = [(path, _saved_at(path)) for path in files]
        with self._lock:
            if saved != self._saved:
                self._saved, self._post = saved, self._render()
                for problem in self._post.problems:
                    _logger.warning("%s", problem)
            return self._post

    def _render(self) -> Post:
        try:
            bridge = self._bridge()
            body = self._file.read_bytes()
            events = self._source.read(Webhook(self._source.headers(self._event, "preview"), body))
        except OSError as error:
            return Post(problems=(f"Cannot read {self._file}: {error.strerror}.",))
        except BridgeError as error:
            return Post(problems=(f"{self._file}: {error}",))
        if isinstance(events, Ignored):
            return Post(problems=(f"There is no post to show: {events.reason}",))
        events = [shown(self._source.with_people(event), bridge.configuration.people) for event in events]
        return _post(events, bridge.renderer, self._warnings(bridge))


def _post(events: Sequence[Event], renderer: Renderer, problems: list[str]) -> Post:
    entries: list[Entry] = []
    templates: dict[str, bool] = {}
    for place, event in enumerate(events):
        with warnings_of(rendering.__name__) as warnings:
            entries.append(renderer.entry(event, entry_id(event, place, ""), Target(""), datetime.now(UTC)))
        # A template that failed did not make the post.
        used = "event.html" if warnings else renderer.chosen(event)
        templates |= {name: templates.get(name, False) or name == used for name in renderer.considered(event)}
        problems += [text for text in warnings if not any(_reason(problem) in text for problem in problems)]
    return Post(entries[0].topic, entries[0].summary, post_html(entries), tuple(templates.items()), tuple(problems))


def _reason(problem: str) -> str:
    """The problem without its location and the line at fault, which a failed template is logged without."""
    return problem.partition(": ")[2].partition(": `")[0]


def _saved_at(path: Path) -> int:
    """When the file was saved; 0 if it does not exist, for instance while an editor replaces it."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
