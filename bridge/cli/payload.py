"""The payload that a command works on: a file, or a sample of the source."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.cli.parser import Parser
from bridge.errors import CommandError
from bridge.events import Webhook
from bridge.local.sending import event_name
from bridge.spelling import meant

if TYPE_CHECKING:
    import argparse

    from bridge.app import Bridge
    from bridge.sources.base import Source


def arguments() -> Parser:
    """A parent parser with the arguments SOURCE, FILE and --event."""
    parser = Parser(add_help=False)
    parser.add_argument("source", metavar="SOURCE", help="a service; `sources` lists them")
    parser.add_argument("file", type=Path, metavar="FILE", help="a file with the body of a webhook, or a sample's name")
    parser.add_argument("--event", help="the service's name for the event (default: the beginning of the file's name)")
    return parser


@dataclass(frozen=True)
class Payload:
    """A payload with its source and the service's name for the event."""

    source: Source
    path: Path
    event: str

    @staticmethod
    def from_arguments(bridge: Bridge, asked: argparse.Namespace) -> Payload:
        """The payload that the arguments name; CommandError if the bridge has no such source."""
        sources = bridge.configuration.sources
        if asked.source not in sources:
            like = meant(asked.source, sources)
            which = f"did you mean {like}?" if like else f"it must be one of {', '.join(sources)}."
            raise CommandError(f"Unknown source {asked.source!r}: {which}")
        source = sources[asked.source]
        event = asked.event or event_name(asked.file.name, source.event_parts)
        return Payload(source, _path(source, asked.file), event)

    def read(self) -> bytes:
        """The content of the file; CommandError if it cannot be read."""
        try:
            return self.path.read_bytes()
        except OSError as error:
            raise CommandError(f"Cannot read {self.path}: {error.strerror}.") from error

    def webhook(self) -> Webhook:
        """The payload as a webhook, with the service's headers."""
        return Webhook(self.source.headers(self.event, "preview"), self.read())


def _path(source: Source, given: Path) -> Path:
    """The file, or the sample of that name if there is no such file."""
    sample = source.samples / f"{given.name.removesuffix('.json')}.json"
    return sample if not given.exists() and given.name == str(given) and sample.is_file() else given
