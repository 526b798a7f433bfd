"""JSON that nobody described: the title, state, severity, resource, links and facts that most payloads have somewhere.

A source that knows its service reads by name. This is for the rest: custom events, other people's JSON in a known
envelope, kinds of events that a service added later. Names decide what a value is; an unknown word has no severity.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Any

from bridge.events import Event, Severity
from bridge.rendering.links import safe_url
from bridge.rendering.text import in_words, last_part, one_line
from bridge.sources import reading_names as names
from bridge.sources import reading_search
from bridge.sources.kit import MAX_TITLE
from bridge.sources.reading_search import ANY_DEPTH, Search
from bridge.sources.reading_values import (
    MAX_STATE,
    SHORT,
    Leaf,
    is_event_name,
    is_name,
    is_prose,
    is_state,
    is_title,
    leaves,
)
from bridge.sources.severities import OVER, known_severity
from bridge.values import dataclass

_MAX_TEXT = 20_000
_REFERENCE = re.compile(r"[A-Z][A-Z0-9_]{0,19}-\d{1,9}|[A-Z]{2,6}\d{4,10}")


@dataclass(frozen=True)
class Reading:
    """What a JSON value says. What it does not say is empty; severity is None where it has no word that is known.

    title: what happened to what (`Level low: tank-4`). happened: the kind of event, in words (`level low`).
    resource: what it is about (`tank-4`, an instance, a host); reference: its number (`PUMP-7`).
    named: the title ends with the resource, and a sentence can go on behind it.
    state, before: how it stands now, and how it stood. message: somebody's words. scope: the project or place.
    key: what the whole story has in common: an id that the sender gives it, else its title and resource.
    is_key_stable: nothing of the key is a title, which may differ with the state.
    meters: values with their limits, and both as text. buttons: pairs of text and URL, runbooks first. facts: pairs of
    name and value, in the order that readers need.
    """

    title: str = ""
    happened: str = ""
    resource: str = ""
    reference: str = ""
    named: bool = False
    state: str = ""
    before: str = ""
    message: str = ""
    severity: Severity | None = None
    scope: str = ""
    actor: str = ""
    key: str = ""
    is_key_stable: bool = False
    url: str = ""
    occurred: datetime | None = None
    meters: tuple[tuple[float, float, str], ...] = ()
    buttons: tuple[tuple[str, str], ...] = ()
    facts: tuple[tuple[str, str], ...] = ()

    @property
    def is_over(self) -> bool:
        """Whether the state is the end of a problem."""
        return self.state.lower() in OVER


def read(value: Any, happened: str = "", about: str = "") -> Reading:
    """What any JSON value says.

    happened: the kind of event, where the envelope around the value says so; about: what the event is about.
    """
    found = Search(leaves(value))
    state, before = found.take(names.STATE, is_state), found.take(names.BEFORE, is_state)
    word = found.take(names.SEVERITY, lambda text: 0 < len(text) <= MAX_STATE)
    happened = _event_name(happened or found.take(names.HAPPENED, is_event_name))
    reference = found.take(names.REFERENCE, _REFERENCE.fullmatch)
    resource = about or last_part(found.take(names.RESOURCE, is_name, ANY_DEPTH)) or found.take(names.NAME, is_name)
    titled, message = found.take(names.TITLE, is_title).rstrip("."), found.take((*names.MESSAGE, ""), is_prose)
    about = reference or resource
    key = " ".join(filter(None, (titled or happened, about))) if titled or about else ""
    title, message, named = _title(titled, message, reference, resource, "" if state and about else message)
    if not title:
        about = about or ("" if happened or message else found.take(names.ORIGIN, is_name))
        title, named = _made_title(happened, about)
    scope, actor = found.take(names.SCOPE, is_name), found.take(names.ACTOR, is_name)
    occurred, url, buttons = found.take_time(), found.take_url(names.PAGE), tuple(reading_search.buttons(found))
    story, meters = found.take(names.STORY, is_name), tuple(reading_search.meters(found))
    known = (title, titled, state, scope, actor, resource, reference, message, happened)
    severity = known_severity(word)
    return Reading(
        title=one_line(title, MAX_TITLE),
        happened=happened,
        resource=one_line(resource, 120),
        reference=reference,
        named=named,
        state=state,
        before=before,
        message="" if _same(message, title) else message[:_MAX_TEXT],
        severity=known_severity(state) if severity is None else severity,
        scope=one_line(scope, 100),
        actor=one_line(actor, 80),
        key=story or key,
        is_key_stable=bool(story or (about and not titled and not happened)),
        url=url,
        occurred=occurred,
        meters=meters,
        buttons=buttons,
        facts=(
            *([("Severity", _words(word))] if word and severity is None else []),
            *_facts(found.left, known, occurred),
        ),
    )


def happening(found: Reading) -> Reading:
    """The reading of an event that its service names: that is the news, and how its object stands is a fact."""
    if not (found.happened and found.state):
        return found
    facts = (("State", in_words(found.state)), *found.facts)
    severity = None if found.severity is known_severity(found.state) else found.severity
    return replace(found, state="", before="", severity=severity, facts=facts)


def fill(event: Event, reading: Reading) -> Event:
    """The event with what was read, for event.html. What the source itself knew of scope, actor, time and URL stays."""
    title = reading.title or event.title
    severity = Severity.SUCCESS if reading.is_over else reading.severity or event.severity
    details: dict[str, Any] = {
        "action": "reported",
        "happened": "" if _mentions(title, reading.happened) else reading.happened,
        "resource": reading.resource or reading.reference,
        "named": reading.named,
        "state": reading.state,
        "before": reading.before,
        "word": in_words(reading.state) or reading.happened,
        "text": event.text or reading.message,
        "phase": "over" if reading.is_over else "firing" if reading.state and severity >= "warning" else "",
        "meters": reading.meters,
        "buttons": reading.buttons,
    }
    return replace(
        event,
        title=title,
        severity=severity,
        scope=event.scope or reading.scope,
        actor=event.actor or reading.actor,
        url=event.url or reading.url,
        occurred=event.occurred or reading.occurred,
        facts=(*event.facts, *(pair for pair in reading.facts if pair[1] not in {event.scope, event.actor})),
        ends_thread=event.ends_thread or reading.is_over,
        details={**event.details, **details},
    )


def event(
    source: str,
    title: str,
    payload: Mapping[str, Any],
    identity: str,
    kind: str = "event",
    attributes: Mapping[str, Any] = MappingProxyType({}),
) -> Event:
    """The event of a webhook that its source does not know. identity: a hash of its body; title: where it says none."""
    found = read(payload)
    window = None if found.is_key_stable else 0.0
    plain = Event(source, kind, identity, found.key or f"event {identity}", title, payload, attributes=attributes)
    return fill(replace(plain, dedup_key=identity, repeat_window=window), found)


def _title(titled: str, message: str, reference: str, resource: str, line: str) -> tuple[str, str, bool]:
    """Title, what remains of the message, and whether the title ends with the resource.

    line: a message that may be the title where the sender wrote none.
    """
    if titled:
        subject = "" if _mentions(titled, resource) else resource
        return (f"{reference} {titled}" if reference else f"{titled}: {subject}" if subject else titled), message, False
    line, _, rest = line.partition("\n")
    if not line or len(line) > SHORT:
        return "", message, False
    line = line.rstrip(".")
    return (f"{resource}: {line}" if not _mentions(line, resource) else line), rest.strip(), False


def _made_title(happened: str, resource: str) -> tuple[str, bool]:
    """A title of the kind of event and what it is about, and whether it ends with that."""
    happened = happened[:1].upper() + happened[1:]
    if not happened or not resource:
        return happened or resource, bool(resource)
    return (happened, True) if _mentions(happened, resource) else (f"{happened}: {resource}", True)


def _facts(rest: Sequence[Leaf], known: Sequence[str], occurred: datetime | None) -> list[tuple[str, str]]:
    """What is left, in the order in which a reader needs it; what is said already is left out."""
    pairs: dict[str, tuple[int, int, int, str]] = {}
    said = {_plain(text) for text in known if text}
    for place, leaf in enumerate(rest):
        text = _words(leaf.shown()) if _is_word(leaf.name) else leaf.shown()
        if not leaf.label or not text or safe_url(text) or _plain(text) in said or (occurred and leaf.time == occurred):
            continue
        if not names.is_noise(leaf.name, leaf.label, text):
            pairs.setdefault(leaf.label, (leaf.place, leaf.depth, place, text))
            said |= {_plain(text)} if len(text) > 3 and not leaf.is_list else set()
    return [(label, pairs[label][3]) for label in sorted(pairs, key=lambda label: pairs[label][:3])]


def _is_word(name: str) -> bool:
    """Whether a value of this name is one of a service's words."""
    return name in {*names.STATE, *names.HAPPENED, *names.BEFORE} or name.endswith(("type", "status", "state"))


def _words(text: str) -> str:
    """A word of several in plain words: `in progress` of InProgress and in_progress; any other text as it is."""
    is_coded = re.fullmatch(r"[A-Za-z][a-z]*(?:_[a-z]+)+|[A-Za-z][a-z]+(?:[A-Z][a-z]+)+", text)
    return in_words(text) if is_coded else text


def _event_name(name: str) -> str:
    """What a type ends with, in words: `level low` of com.contoso.tank.level_low; a phrase stays as it is."""
    if " " in name.strip():
        return one_line(name, SHORT)
    without_version = re.sub(r"(?:[./:-]v?\d{1,9}){1,4}$", "", name.strip().rstrip("./:")[:500])
    return in_words(re.split(r"[./:]", without_version)[-1])


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", "", text[:1000].lower())


def _mentions(text: str, name: str) -> bool:
    return _plain(name) in _plain(text)


def _same(text: str, other: str) -> bool:
    return bool(text) and _plain(text) == _plain(other)
