"""What every payload of a folder becomes, as static pages: for the docs, and for whoever changes a template.

The same payloads give the same bytes, so that a version control shows what a change does.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader

from bridge.entries import Entry, Target, entry_id
from bridge.errors import BadWebhook, BridgeError, CommandError
from bridge.events import Event, Webhook
from bridge.local.sending import event_name
from bridge.rendering.renderer import Renderer
from bridge.sources import SOURCES
from bridge.sources.base import Ignored, Source

NOW = datetime(2026, 11, 23, 15, 5, tzinfo=UTC)
_PAGE = Environment(
    loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True, lstrip_blocks=True
).get_template("gallery.html")


@dataclass(frozen=True)
class Shown:
    """A payload and what became of it. entries: the posts; reason: why there are none."""

    file: str
    posts: tuple[tuple[Event, Entry, str], ...] = ()
    reason: str = ""


def write(payloads: Path | None, output: Path, sources: Mapping[str, Source], renderer: Renderer) -> list[Path]:
    """Writes a page for each source that has payloads, and an index; returns their files.

    payloads: a folder with one for each source; None: the samples of the sources.
    """
    pages = {
        source: [_shown(source, path, renderer) for path in sorted(folder.glob("*.json"))]
        for source, folder in _folders(payloads, sources)
    }
    if not pages:
        raise CommandError(f"{payloads} has no folder of payloads that is named as a source is.")
    output.mkdir(parents=True, exist_ok=True)
    listed = [(source, len(shown)) for source, shown in pages.items()]
    files = [_written(output / "index.html", source=None, listed=listed, payloads=[])]
    files += [
        _written(output / f"{source.name}.html", source=source, listed=[], payloads=shown)
        for source, shown in pages.items()
    ]
    return files


def _folders(payloads: Path | None, sources: Mapping[str, Source]) -> Iterator[tuple[Source, Path]]:
    """Each source with its folder, which may write the name without underscores."""
    for source in sorted(sources.values(), key=lambda source: source.title.lower()):
        names = dict.fromkeys((source.name, source.name.replace("_", "")))
        folders = [payloads / name for name in names] if payloads else [source.samples]
        yield from ((source, folder) for folder in folders if folder.is_dir())


def _shown(source: Source, path: Path, renderer: Renderer) -> Shown:
    webhook = Webhook(source.headers(event_name(path.name, source.event_parts), path.stem), path.read_bytes())
    try:
        events = source.read(webhook)
    except BadWebhook as error:
        return Shown(path.name, reason=f"Answered with {error.status}: {error}")
    if isinstance(events, Ignored):
        return Shown(path.name, reason=f"Nothing is posted: {events.reason}")
    return Shown(path.name, tuple(_posts(events, renderer)))


def _posts(events: Sequence[Event], renderer: Renderer) -> Iterator[tuple[Event, Entry, str]]:
    for place, event in enumerate(events):
        entry = renderer.entry(event, entry_id(event, place, ""), Target(""), event.occurred or NOW)
        yield event, entry, renderer.chosen(event)


def _written(path: Path, **values: object) -> Path:
    path.write_text(_PAGE.render(values), "utf-8")
    return path


def main(arguments: Sequence[str] | None = None) -> None:
    """Writes the pages of the bridge's own sources; an error ends the program with its sentence."""
    parser = argparse.ArgumentParser(prog="gallery", description="Pages with the posts of all payloads of a folder.")
    parser.add_argument("--payloads", type=Path, metavar="FOLDER", help="default: the samples of each source")
    parser.add_argument(
        "--output", type=Path, default=Path("build/gallery"), metavar="FOLDER", help="default: docs/gallery"
    )
    asked = parser.parse_args(arguments)
    renderer = Renderer(titles={name: source.title for name, source in SOURCES.items()})
    try:
        files = write(asked.payloads, asked.output, SOURCES, renderer)
    except BridgeError as error:
        sys.exit(f"gallery: {error}")
    print(f"{files[0]} leads to the posts of {len(files) - 1} services.")


if __name__ == "__main__":
    main()
