"""What a table `[sources.<name>]` makes of recorded webhooks: its posts, or its problems."""

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bridge.configuration import Configuration
from bridge.entries import Entry, Target, entry_id
from bridge.errors import BadWebhook, SettingsError
from bridge.events import Event, Webhook
from bridge.local.collected_warnings import warnings_of
from bridge.rendering.renderer import Renderer
from bridge.settings import Settings
from bridge.sources.base import Ignored, Source

_MOST = 20  # posts of a webhook
_LOGGERS = ("bridge.sources.form_expressions", "bridge.rendering.renderer")
_GROUP = "00000000-0000-4000-8000-000000000000"
_HIDDEN = re.compile(r'<div style="display:none.*?</div>', re.DOTALL)
_ROW, _CELL, _TAG = re.compile(r"</(tr|p|li|div)>|<br */?>"), re.compile(r"</t[dh]>"), re.compile(r"<[^<>]+>")


@dataclass(frozen=True)
class TrialPost:
    """The post of an event: its topic, its line in the inbox, the card, and by what it is kept in its thread."""

    topic: str
    summary: str
    html: str
    key: str
    severity: str
    ends_thread: bool


@dataclass(frozen=True)
class Trial:
    """What came of it. problems: what is wrong with the table, or why a webhook has no post."""

    posts: tuple[TrialPost, ...] = ()
    problems: tuple[str, ...] = ()


def trial(table: str, webhooks: Sequence[Webhook], settings: Settings | None = None) -> Trial:
    """Read the webhooks by the table's source. settings: those whose templates and time zone are used."""
    settings = settings or Settings()
    try:
        configuration = Configuration.of(Settings(_GROUP, table))
    except SettingsError as error:
        found = (problem.removeprefix("BRIDGE_CONFIG: ") for problem in error.problems)
        return Trial(problems=tuple(re.sub("^BRIDGE_CONFIG", "The table", problem) for problem in found))
    declared = [source for source in configuration.sources.values() if source.is_declared]
    if len(declared) != 1:
        return Trial(problems=("The table must declare one source: [sources.<name>].",))
    titles, extended = configuration.titles, configuration.extended
    renderer = Renderer(settings.templates, titles, settings.time_zone, extended)
    posts: list[TrialPost] = []
    with warnings_of(*_LOGGERS) as problems:
        for webhook in webhooks:
            posts += _posts(declared[0], webhook, renderer, problems)
    return Trial(tuple(posts), tuple(dict.fromkeys(problems)))


def as_text(post: TrialPost) -> str:
    """The post as a mail program without HTML shows it."""
    rows = (_CELL.sub("  ", row) for row in _ROW.sub("\n", _HIDDEN.sub("", post.html)).split("\n"))
    lines = (" ".join(html.unescape(_TAG.sub("", row)).split()) for row in rows)
    return "\n".join([f"Topic: {post.topic}", f"Inbox: {post.summary}", "", *filter(None, lines)])


def _posts(source: Source, webhook: Webhook, renderer: Renderer, problems: list[str]) -> Iterator[TrialPost]:
    try:
        events = source.read(webhook)
    except BadWebhook as error:
        problems.append(str(error))
        return
    if isinstance(events, Ignored):
        problems.append(f"Nothing is posted: {events.reason}")
        return
    if len(events) > _MOST:
        problems.append(f"Of the {len(events)} events of a webhook, the first {_MOST} are shown.")
    for place, event in enumerate(events[:_MOST]):
        entry = _entry(renderer, event, place)
        yield TrialPost(
            entry.topic, entry.summary, entry.html, entry.correlation_key, str(entry.severity), entry.ends_thread
        )


def _entry(renderer: Renderer, event: Event, place: int) -> Entry:
    return renderer.entry(event, entry_id(event, place, ""), Target(""), datetime.now(UTC))
