"""The payload that a command works on: a file, or a sample of the source."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from bridge.cli.common import known_sources
from bridge.cli.parameters import source_argument
from bridge.entries import Entry, Target, entry_id
from bridge.errors import CommandError
from bridge.events import Webhook
from bridge.local.sending import event_name
from bridge.receiving.participants import shown
from bridge.spelling import meant

if TYPE_CHECKING:
    from collections.abc import Callable

    from bridge.app import Bridge
    from bridge.events import Event
    from bridge.sources.base import Source

_EVENT = "The service's name for the event.  [default: the beginning of the file's name]"


def payload_arguments(function: Callable[..., Any]) -> Callable[..., Any]:
    """The arguments SOURCE and FILE, and the option --event."""
    event = click.option("--event", default="", metavar="NAME", help=_EVENT)
    file = click.argument("file", metavar="FILE", type=click.Path(path_type=Path), shell_complete=_samples)
    return source_argument(file(event(function)))


def _samples(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:  # noqa: ARG001
    """The samples of the source, and files."""
    source = known_sources().get(ctx.params.get("source", ""))
    names = sorted(path.stem for path in source.samples.glob("*.json")) if source else []
    found = [CompletionItem(name) for name in names if name.startswith(incomplete)]
    return found or [CompletionItem(incomplete, type="file")]


@dataclass(frozen=True)
class Payload:
    """A payload with its source and the service's name for the event."""

    source: Source
    path: Path
    event: str

    @staticmethod
    def find(bridge: Bridge, name: str, file: Path, event: str) -> Payload:
        """The payload that the arguments name; CommandError if the bridge has no such source."""
        sources = bridge.configuration.sources
        if name not in sources:
            like = meant(name, sources)
            which = f"did you mean {like}?" if like else f"it must be one of {', '.join(sources)}."
            raise CommandError(f"Unknown source {name!r}: {which}")
        source = sources[name]
        return Payload(source, _path(source, file), event or event_name(file.name, source.event_parts))

    def read(self) -> bytes:
        """The content of the file; CommandError if it cannot be read."""
        try:
            return self.path.read_bytes()
        except FileNotFoundError as error:
            samples = [path.stem for path in self.source.samples.glob("*.json")]
            like = meant(self.path.name.removesuffix(".json"), samples)
            which = f": did you mean {like}?" if like else "."
            raise CommandError(
                f"Cannot read {self.path}: No such file, and {self.source.title} has no sample of that name{which}"
            ) from error
        except OSError as error:
            raise CommandError(f"Cannot read {self.path}: {error.strerror}.") from error

    def webhook(self) -> Webhook:
        """The payload as a webhook, with the service's headers."""
        return Webhook(self.source.headers(self.event, "preview"), self.read())


def _path(source: Source, given: Path) -> Path:
    """The file, or the sample of that name if there is no such file."""
    sample = source.samples / f"{given.name.removesuffix('.json')}.json"
    return sample if not given.exists() and given.name == str(given) and sample.is_file() else given


def entry_for(app: Bridge, event: Event, position: int) -> Entry:
    """The entry of an event of a payload, as it would be posted now."""
    event = shown(event, app.configuration.people)
    return app.renderer.entry(event, entry_id(event, position, ""), Target(""), datetime.now(UTC))
