"""How an event reads: templates turn it into an entry's topic, summary and card."""

from __future__ import annotations

import logging
import secrets
import traceback
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from jinja2 import (
    BaseLoader,
    ChoiceLoader,
    DictLoader,
    FileSystemLoader,
    PrefixLoader,
    Template,
    TemplateError,
    TemplateNotFound,
    TemplateSyntaxError,
)
from markupsafe import Markup

from bridge import tracing
from bridge.entries import UNKNOWN, Content, Entry, Target, credible, fits_message, utf8_size, within_limits
from bridge.events import Event
from bridge.limits import MAX_HTML, MAX_LINE
from bridge.rendering.environment import OwnTemplates, environment
from bridge.rendering.filters import clock
from bridge.rendering.links import safe_url
from bridge.rendering.standing import standing
from bridge.rendering.template_context import Limits, template_context
from bridge.rendering.text import one_line, printable, shorten
from bridge.values import dataclass

if TYPE_CHECKING:
    from bridge.rendering.template_names import Fields

_logger = logging.getLogger(__name__)
_NOTES, _NOTE = 4, 60  # of an entry, and characters of each
_ANY_EVENT = "default:event.html"
_MOST_KINDS = 1000  # that are remembered: senders may make some up


# What is too big with the first is tried with the next.
_LIMITS = (Limits(text=1200, rows=10), Limits(text=400, rows=5), Limits(text=120, rows=3))


@dataclass(frozen=True)
class _Draft:
    """What a template makes of an event."""

    topic: str
    summary: str
    news: str
    excerpt: str
    word: str
    minor: bool
    phase: str
    html: str


class Renderer:
    """Turns events into entries, by the user's templates and the bridge's own.

    templates: a folder of the user's, searched first; its files can extend the bridge's as `default:<name>`.
    titles: the names of sources for people. zone: of the times that are shown. extended: sources that look as another
    one does where they have no template of their own. replaced: sources whose templates are not used, as the user has
    declared others of the same names. unsaved: texts of templates that are used in place of the folder's files.
    """

    def __init__(
        self,
        templates: Path | None = None,
        titles: Mapping[str, str] = MappingProxyType({}),
        zone: tzinfo = UTC,
        extended: Mapping[str, str] = MappingProxyType({}),
        replaced: Collection[str] = (),
        unsaved: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._extended = extended
        self._own = OwnTemplates(without=replaced)
        self._users = ChoiceLoader([DictLoader(unsaved), FileSystemLoader([templates] if templates else [])])
        defaults = PrefixLoader({"default": OwnTemplates()}, delimiter=":")
        self._loader: BaseLoader = ChoiceLoader([self._users, self._own, defaults])
        self._environment = environment(self._loader, zone)
        self._titles = titles
        self._zone = zone
        self._is_fixed = not (templates or unsaved) or not self._environment.auto_reload
        self._found: dict[tuple[str, ...], str] = {}

    def problems(self) -> list[str]:
        """Say what is wrong with the user's templates, a sentence each: which, in what line, and what.

        The bridge's own are checked where a file of the user's replaces what they extend or import; the tests check the
        others.
        """
        # Imported here, as nobody asks it of a worker that receives.
        from bridge.rendering.template_problems import affected, problems  # noqa: PLC0415

        own = {name: self._own.get_source(self._environment, name)[0] for name in self._own.list_templates()}
        return problems(self._environment, affected(self._users.list_templates(), own))

    def unknown_names(self, fields_of: Callable[[str], Fields]) -> list[str]:
        """Say what the user's templates read that no event has. fields_of: what the events of a template have."""
        from bridge.rendering import template_names  # noqa: PLC0415

        users = [name for name in self._users.list_templates() if name.endswith(".html")]
        context = template_context(Event("", "", "", "", "", {}), _LIMITS[0], "", "")
        return template_names.mistakes(self._environment, users, context, fields_of) if users else []

    def considered(self, event: Event) -> tuple[str, ...]:
        """The names of templates for the event, from special to general: the first that exists is taken."""
        return self._considered(event.source, event.kind)

    def _considered(self, source: str, kind: str) -> tuple[str, ...]:
        words = kind.split(".")
        kinds = [".".join(words[:length]) for length in range(len(words), 0, -1)]
        sources = filter(None, (source, self._extended.get(source, "")))
        return (*(f"{source}/{name}.html" for source in sources for name in (*kinds, "event")), "event.html")

    def chosen(self, event: Event) -> str:
        """The name of the template that is taken for the event."""
        return self.template_of(event.source, event.kind)

    def template_of(self, source: str, kind: str) -> str:
        """The name of the template that is taken for events of that source and kind."""
        return next(name for name in self._considered(source, kind) if self._exists(name))

    def entry(
        self, event: Event, entry_id: str, target: Target, received: datetime, content: Content = UNKNOWN
    ) -> Entry:
        """The finished entry of an event for a group. A template that fails is logged and a plainer one is taken."""
        not_before = target.not_before(received)
        blank = Entry(
            id=entry_id,
            group=target.group,
            correlation_key=event.correlation_key,
            source=event.source,
            kind=event.kind,
            delivery=event.delivery,
            topic="",
            summary="",
            html="",
            url=safe_url(event.url),
            severity=event.severity,
            scope=_line(event.scope),
            ends_thread=event.ends_thread,
            participants=target.participants,
            conversation=target.conversation,
            occurred=credible(event.occurred, received),
            received=received,
            content=content.hash,
            place=content.place,
            repeat_window=content.window,
            place_window=content.place_window,
            trace=tracing.current(),
            hours=target.hours.name if target.hours and not_before else "",
            not_before=not_before,
        )
        drafts = self._drafts(event, blank)
        entries = (_finished(blank, event, draft) for draft in drafts)
        return next(filter(_fits, entries), None) or self._without_template(event, blank)

    def _drafts(self, event: Event, entry: Entry) -> Iterator[_Draft]:
        """Finer ones first, each made only when the one before did not fit."""
        for names in (self.considered(event), (_ANY_EVENT,)):
            try:
                template = self._template(names)
                for limits in _LIMITS:
                    yield self._draft(template, event, entry, limits)
            except Exception as error:  # noqa: BLE001 - a template can fail in any way, and must not cost the event
                _logger.warning("The template of %s failed: %s", event.kind, _describe(error))
            else:
                _logger.warning("The template %s makes too much of a %s", template.name, event.kind)

    def _template(self, names: tuple[str, ...]) -> Template:
        """The first template that exists: looked for once, unless a person may add one at any time."""
        found = self._found.get(names)
        if found is None:
            template = self._environment.select_template(names)
            if self._is_fixed and template.name and len(self._found) < _MOST_KINDS:
                self._found[names] = template.name
            return template
        return self._environment.get_template(found)

    def _draft(self, template: Template, event: Event, entry: Entry, limits: Limits) -> _Draft:
        boundary = secrets.token_hex(16)
        service = self._titles.get(entry.source, entry.source)
        text = template.render(template_context(event, limits, boundary, self._footer(entry), service))
        draft = _split(text, boundary)
        if not draft.html:
            raise TemplateError("the card is empty")
        if draft.topic and draft.summary and draft.news:
            return draft
        topic = draft.topic or _title(event)
        summary = draft.summary or topic
        return replace(draft, topic=topic, summary=summary, news=draft.news or summary)

    def _footer(self, entry: Entry) -> str:
        return clock(entry.occurred, self._zone)

    def _without_template(self, event: Event, entry: Entry) -> Entry:
        title = _title(event)
        html = Markup("<p>{}</p><p>{}</p>").format(title, self._footer(entry))
        opened = standing(event, "")
        return within_limits(replace(entry, topic=title, summary=title, news=title, html=str(html), standing=opened))

    def _exists(self, name: str) -> bool:
        try:
            self._loader.get_source(self._environment, name)
        except TemplateNotFound:
            return False
        except UnicodeDecodeError:
            return True  # it is there, and `problems` says what is wrong with it
        return True


def _finished(blank: Entry, event: Event, draft: _Draft) -> Entry:
    notes, asks = (event.details.get(name) or {} for name in ("notes", "asks"))
    if draft.phase == "firing":
        notes = {**notes, "since": blank.occurred.isoformat(), **_measured(event)}
    if draft.phase == "over":
        lasted = {} if event.details.get("took") else {"since": "Lasted"}
        asks = {**asks, **lasted, "highest": "Highest value", "lowest": "Lowest value"}
    finished = {**vars(blank), **vars(draft), "notes": _pairs(notes), "asks": _pairs(asks)}
    finished["standing"] = standing(event, finished.pop("phase"))
    return within_limits(Entry(**finished))


def _measured(event: Event) -> dict[str, str]:
    """How far a value went beyond its limit: the number for comparing, and the text for people."""
    meters = event.details.get("meters") or [event.details.get("meter")]
    if len(meters) != 1 or not meters[0]:
        return {}
    value, limit, text = meters[0]
    return {"highest" if value >= limit else "lowest": f"{float(value)} {text.partition(', ')[0].rpartition(': ')[2]}"}


def _pairs(values: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    kept = list(values.items())[:_NOTES]
    return tuple((one_line(str(name), _NOTE), one_line(str(value), _NOTE)) for name, value in kept)


def _split(text: str, boundary: str) -> _Draft:
    *lines, html = printable(text).split(boundary)
    if len(lines) != 7:
        raise TemplateError("it does not extend layout.html")
    topic, summary, news, excerpt, word, minor, phase = map(_without_tags, lines)
    return _Draft(topic, summary, news, excerpt, word, bool(minor), phase, html.strip())


def _without_tags(line: str) -> str:
    is_html = "<" in line or "&" in line
    return _line(Markup(line).striptags() if is_html else line)  # noqa: S704  the tags are taken out of it


def _title(event: Event) -> str:
    return _line(event.title) or _line(event.kind) or event.source


def _line(text: str) -> str:
    """One line that is within its limit also where a character counts twice, as emoji do."""
    line = one_line(text, MAX_LINE)
    if line.isascii():
        return line
    while (excess := len(line.encode("utf-16-le", "replace")) // 2 - MAX_LINE) > 0:
        line = shorten(line, len(line) - (excess + 1) // 2)
    return line


def _fits(entry: Entry) -> bool:
    return utf8_size(entry.html) <= MAX_HTML and fits_message(entry)


def _describe(error: Exception) -> str:
    """Where a template failed and how; the text of other errors than Jinja's own may quote the payload."""
    places = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.endswith(".html")]
    where = f"{places[-1].filename}, line {places[-1].lineno}: " if places else ""
    if isinstance(error, TemplateSyntaxError | TemplateNotFound):
        from bridge.rendering.jinja_errors import translated  # noqa: PLC0415

        return where + translated(error)
    what = f"{type(error).__name__}: {error}" if isinstance(error, TemplateError) else type(error).__name__
    return where + what
