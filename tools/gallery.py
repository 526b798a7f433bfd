"""The gallery: static pages that show the posts of all payloads in a folder, by default of all samples.

The same payloads give the same bytes, so two galleries can be compared.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader

from bridge.entries import Entry, Target, entry_id
from bridge.errors import BadWebhook, BridgeError, CommandError
from bridge.events import Event
from bridge.rendering.renderer import Renderer
from bridge.sources import SOURCES
from bridge.sources.base import Ignored, Source
from tools.samples import NOW, webhook

_OUTPUT = Path("build/gallery")
_PAGE = Environment(
    loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True, lstrip_blocks=True
).get_template("gallery.html")


@dataclass(frozen=True)
class Payload:
    """A payload with its posts, or the reason why it has none."""

    file: str
    posts: tuple[tuple[Event, Entry, str], ...] = ()
    reason: str = ""


def write(payloads: Path | None, output: Path, sources: Mapping[str, Source], renderer: Renderer) -> list[Path]:
    """Write an index and a page for each source that has payloads; return the files, the index first.

    payloads: a folder that has one for each source; None means the samples of the sources.
    """
    pages = {
        source: [_payload(source, path, renderer) for path in sorted(folder.glob("*.json"))]
        for source, folder in _folders(payloads, sources)
    }
    if not pages:
        raise CommandError(f"{payloads} has no folder with the name of a source.")
    output.mkdir(parents=True, exist_ok=True)
    listed = [(source, len(shown)) for source, shown in pages.items()]
    files = [_write_page(output / "index.html", source=None, listed=listed, payloads=[])]
    files += [
        _write_page(output / f"{source.name}.html", source=source, listed=[], payloads=shown)
        for source, shown in pages.items()
    ]
    return files


def _folders(payloads: Path | None, sources: Mapping[str, Source]) -> Iterator[tuple[Source, Path]]:
    """Each source with its folder, whose name may leave out the underscores."""
    for source in sorted(sources.values(), key=lambda source: source.title.lower()):
        names = dict.fromkeys((source.name, source.name.replace("_", "")))
        folders = [payloads / name for name in names] if payloads else [source.samples]
        yield from ((source, folder) for folder in folders if folder.is_dir())


def _payload(source: Source, path: Path, renderer: Renderer) -> Payload:
    try:
        events = source.read(webhook(source, path))
    except BadWebhook as error:
        return Payload(path.name, reason=f"Refused with {error.status}: {error}")
    if isinstance(events, Ignored):
        return Payload(path.name, reason=f"Nothing is posted: {events.reason}")
    return Payload(path.name, tuple(_posts(events, renderer)))


def _posts(events: Sequence[Event], renderer: Renderer) -> Iterator[tuple[Event, Entry, str]]:
    for place, event in enumerate(events):
        entry = renderer.entry(event, entry_id(event, place, ""), Target(""), event.occurred or NOW)
        yield event, entry, renderer.chosen(event)


def _write_page(path: Path, **values: object) -> Path:
    path.write_text(_PAGE.render(values), "utf-8")
    return path


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the gallery of the bridge's own sources."""
    parser = argparse.ArgumentParser(prog="gallery", description="Write pages with the posts of payloads.")
    parser.add_argument("--payloads", type=Path, metavar="FOLDER", help="default: the samples of all sources")
    parser.add_argument("--output", type=Path, default=_OUTPUT, metavar="FOLDER", help=f"default: {_OUTPUT}")
    asked = parser.parse_args(arguments)
    renderer = Renderer(titles={name: source.title for name, source in SOURCES.items()})
    try:
        files = write(asked.payloads, asked.output, SOURCES, renderer)
    except BridgeError as error:
        sys.exit(f"gallery: {error}")
    print(f"{files[0]} shows the posts of {len(files) - 1} services.")


if __name__ == "__main__":
    main()
