"""The post of a payload while one writes its template: each save of payload or template shows at once."""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from bridge.entries import Entry, Target, entry_id
from bridge.errors import BridgeError
from bridge.events import Webhook
from bridge.local.page.live import Live
from bridge.local.page.origin_check import Endpoint, reading
from bridge.rendering import renderer as rendering
from bridge.rendering.renderer import Renderer, post_html
from bridge.sources.base import Ignored, Source

_logger = logging.getLogger(__name__)
_STATIC = Path(__file__).parent / "static"
_FILES = {
    "/": ("preview.html", "text/html"),
    "/preview.css": ("preview.css", "text/css"),
    "/preview.js": ("preview.js", "text/javascript"),
}


@dataclass(frozen=True)
class Post:
    """What the page shows. templates: those that were looked for, each with whether it was taken."""

    topic: str = ""
    summary: str = ""
    html: str = ""
    templates: tuple[tuple[str, bool], ...] = ()
    problems: tuple[str, ...] = ()


class Preview:
    """Renders the payload in a file, again when it or a template in the folders has been saved.

    renderer: makes one that has read no template yet.
    """

    def __init__(
        self, source: Source, file: Path, event: str, folders: Sequence[Path], renderer: Callable[[], Renderer]
    ) -> None:
        self._source = source
        self._file = file
        self._event = event
        self._folders = folders
        self._renderer = renderer
        self._seen: object = None
        self._post = Post()
        self._looking = threading.Lock()  # pages ask from threads

    def look(self) -> Post:
        """The post as it is now, or what keeps it from being one."""
        files = [self._file, *(path for folder in self._folders for path in sorted(folder.rglob("*.html")))]
        seen = [(path, _saved(path)) for path in files]
        with self._looking:
            if seen != self._seen:
                self._seen, self._post = seen, self._made()
                for problem in self._post.problems:
                    _logger.warning("%s", problem)
            return self._post

    def _made(self) -> Post:
        try:
            renderer = self._renderer()
            body = self._file.read_bytes()
            events = self._source.read(Webhook(self._source.headers(self._event, "preview"), body))
        except OSError as error:
            return Post(problems=(f"{self._file} cannot be read: {error.strerror}.",))
        except BridgeError as error:
            return Post(problems=(f"{self._file}: {error}",))
        if isinstance(events, Ignored):
            return Post(problems=(f"There is no post to show: {events.reason}",))
        wrong = renderer.problems()
        entries: list[Entry] = []
        considered: dict[str, bool] = {}
        for place, event in enumerate(events):
            with _warnings() as told:
                entries.append(renderer.entry(event, entry_id(event, place, ""), Target(""), datetime.now(UTC)))
            # A template that failed was not the one that made the post.
            taken = "event.html" if told else renderer.chosen(event)
            considered |= {name: considered.get(name, False) or name == taken for name in renderer.considered(event)}
            wrong += [text for text in told if not any(_reason(problem) in text for problem in wrong)]
        return Post(
            topic=entries[0].topic,
            summary=entries[0].summary,
            html=post_html(entries),
            templates=tuple(considered.items()),
            problems=tuple(wrong),
        )


def _reason(problem: str) -> str:
    """What is wrong, without the place: the warning of a failed template says it with another."""
    return problem.partition(": ")[2]


def application(preview: Preview, port: int) -> Starlette:
    """The page that shows the preview at the port, and shows it anew after each save."""
    live = Live(lambda: {"post": asdict(preview.look())})

    async def events(_: Request) -> Response:
        return StreamingResponse(live.stream(), media_type="text/event-stream")

    endpoints = {path: _file(*file) for path, file in _FILES.items()} | {"/preview/events": events}
    application = Starlette(routes=[reading(path, endpoint, port) for path, endpoint in endpoints.items()])
    application.state.before_shutdown = live.close
    return application


def _saved(path: Path) -> int:
    """When the file was saved; 0 while it is not there, as between the steps of an editor that replaces it."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _file(name: str, media_type: str) -> Endpoint:
    async def endpoint(_: Request) -> Response:
        return Response((_STATIC / name).read_bytes(), media_type=media_type)

    return endpoint


class _Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())


@contextmanager
def _warnings() -> Iterator[list[str]]:
    """What rendering warns of meanwhile: a template that fails costs no event, and so is only logged."""
    kept, logger = _Kept(), logging.getLogger(rendering.__name__)
    logger.addHandler(kept)
    try:
        yield kept.texts
    finally:
        logger.removeHandler(kept)
