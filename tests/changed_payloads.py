"""The samples of all sources with something changed in them, and what their sources make of it."""

import copy
import functools
import html
import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from bridge.entries import Entry, Target
from bridge.errors import BadWebhook
from bridge.events import Event, Webhook
from bridge.fields import as_time
from bridge.local.sending import event_name
from bridge.rendering.renderer import Renderer
from bridge.sources import SOURCES
from bridge.sources.base import Ignored

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
RENDERER = Renderer()

Path = tuple[str | int, ...]


@functools.cache
def _texts(source: str) -> dict[str, str]:
    texts = {path.stem: path.read_text() for path in sorted(SOURCES[source].samples.glob("*.json"))}
    return {name: text for name, text in texts.items() if events(source, name, json.loads(text))}


def samples(source: str) -> Iterator[tuple[str, Any]]:
    """The name and the payload of each sample of a source that becomes a post."""
    for name, text in _texts(source).items():
        yield name, json.loads(text)


def kind(source: str, name: str) -> str:
    """The service's name for the event of a sample."""
    return event_name(name, SOURCES[source].event_parts)


def webhook(source: str, name: str, payload: object, delivery: str = "d-1") -> Webhook:
    """The webhook with a payload, which the service sends by the sample's event."""
    return Webhook(dict(SOURCES[source].headers(kind(source, name), delivery)), json.dumps(payload).encode())


def events(source: str, name: str, payload: object) -> list[Event]:
    """What the source reads of a payload; none where it is ignored or refused."""
    try:
        found = SOURCES[source].read(webhook(source, name, payload))
    except BadWebhook:
        return []
    return [] if isinstance(found, Ignored) else list(found)


def entry(event: Event) -> Entry:
    """The event as it is posted."""
    return RENDERER.entry(event, "0" * 32, Target("g"), NOW)


def text(event: Event) -> str:
    """All that is seen of the event's post."""
    posted = entry(event)
    return f"{posted.topic} {posted.summary} {html.unescape(re.sub('<[^<>]*>', ' ', posted.html))}"


def shown(path: Path) -> str:
    """A path as the tables of exceptions write it."""
    return ".".join("*" if isinstance(part, int) else part for part in path)


def is_excepted(exceptions: Mapping[str, str], source: str, sample: str, path: Path) -> bool:
    """Whether a table of exceptions has the path in the sample of a source; `...` in it stands for anything."""
    name = f"{source} {sample} {shown(path)}"
    return any(re.fullmatch(re.escape(each).replace(r"\.\.\.", ".*"), name) for each in exceptions)


def key_of(path: Path) -> str:
    """The key at the end of a path, or that of the list it ends in, in small letters: `alert_type` of alertType."""
    key = next((part for part in reversed(path) if isinstance(part, str)), "")
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key).lower().replace("-", "_").rpartition(".")[2]


def inner(value: Any) -> Any:
    """A value, also of an object or a list that is written as a text, as in messages of SNS."""
    if isinstance(value, str) and value.lstrip()[:1] in {"{", "["}:
        try:
            return json.loads(value)
        except ValueError:
            pass
    return value


def items(value: Any) -> list[tuple[str | int, Any]]:
    """What an object or a list holds, with its keys or places."""
    found = inner(value)
    return list(found.items()) if isinstance(found, dict) else list(enumerate(found)) if isinstance(found, list) else []


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """The plain values of a payload with their paths."""
    if not isinstance(inner(value), dict | list):
        yield path, value
    for key, item in items(value):
        yield from leaves(item, (*path, key))


def changed(value: Any, change: Callable[[Path, Any], Any], path: Path = ()) -> Any:
    """The payload with each of its plain values changed."""
    found = inner(value)
    if not isinstance(found, dict | list):
        return change(path, value)
    within = [(key, changed(item, change, (*path, key))) for key, item in items(found)]
    found = dict(within) if isinstance(found, dict) else [item for _, item in within]
    return json.dumps(found) if isinstance(value, str) else found


def put(value: Any, path: Path, new: object) -> Any:
    """The payload with another value at a path."""
    return _edited(value, path, lambda holder, key: holder.__setitem__(key, new))


def without(value: Any, path: Path) -> Any:
    """The payload without what is at a path."""
    return _edited(value, path, lambda holder, key: holder.__delitem__(key))


def _edited(value: Any, path: Path, edit: Callable[[Any, str | int], None]) -> Any:
    key, *rest = path
    found = copy.copy(inner(value))
    if rest:
        found[key] = _edited(found[key], tuple(rest), edit)
    else:
        edit(found, key)
    return json.dumps(found) if isinstance(value, str) else found


_NAMES = {"displayName", "display_name", "login", "username", "nickname", "userName"}
_OF_COMMITS = {"message", "commitId"}


def _is_person(value: Any) -> bool:
    return isinstance(value, dict) and (
        not _NAMES.isdisjoint(value)
        or ("name" in value and not {"email", "emailAddress"}.isdisjoint(value))
        or str(value.get("type")).startswith("user")
    )


def _is_of_people(value: Any) -> bool:
    """Whether a list has people, or what each of them did or is asked for: approvals, votes, assignments."""
    return bool(value) and all(
        _is_person(item)
        or (isinstance(item, dict) and _OF_COMMITS.isdisjoint(item) and any(map(_is_person, item.values())))
        for item in value
    )


def with_another(value: Any, *, is_first: bool) -> Any:
    """The payload with one more person in each list of people, whose order is turned if the new one is the first."""
    found = inner(value)
    if isinstance(found, dict):
        found = {key: with_another(item, is_first=is_first) for key, item in found.items()}
    elif isinstance(found, list):
        one_more = [changed(found[-1], _of_a_stranger)] if _is_of_people(found) else []
        found = [*(with_another(item, is_first=is_first) for item in found), *one_more]
        found = found[::-1] if one_more and is_first else found
    else:
        return value
    return json.dumps(found) if isinstance(value, str) else found


def _of_a_stranger(_path: Path, value: Any) -> Any:
    if isinstance(value, str) and ("@" in value or re.fullmatch(r"[A-Z][a-z]+ [A-Z][a-z]+", value)):
        return "Zoe Stranger" if " " in value else f"z{value}"
    return value + 1 if isinstance(value, int) and value > 100 else value


_TIMES = re.compile(
    r"(?:^|_)(?:at|date|datetime|time|timestamp|created|updated|started|ended|on|ts|epoch|now|occurred)s?$"
)


def _is_time(path: Path, value: Any) -> bool:
    return bool(_TIMES.search(key_of(path)) and as_time(value))


def without_times(payload: Any) -> Any:
    """The payload as a sender's own template might have it."""
    for path, _ in reversed([leaf for leaf in leaves(payload) if _is_time(*leaf)]):
        payload = without(payload, path)
    return payload


def renewed(payload: Any, own: str, number: int) -> Any:
    """The same again, at another time if it has any, and with other ids at the paths that a pattern describes."""

    def renew(path: Path, value: Any) -> Any:
        if _is_time(path, value):
            digits = str(value)
            later = (
                str(int(digits) + 600 * number) if digits.isdecimal() else digits.replace("2026", f"{2026 + number}")
            )
            return type(value)(later)
        return f"{value}-{number}" if re.fullmatch(own, shown(path)) else value

    return changed(payload, renew)


# Fields that hold one word of a list, by the ends of their names.
_WORDS = re.compile(
    r"(?:^|_)(?:status|state|action|type|event|kind|severity|priority|level|result|conclusion|outcome|transition|phase"
    r"|stage|urgency|reason|impact|condition|category|change)s?$"
)
_FORMS = re.compile(r"(?:^|_)(?:monitoring_service|class|event_source|schema_id)$")


def is_word(path: Path) -> bool:
    """Whether a field holds one word of a list."""
    return bool(_WORDS.search(key_of(path)))


def is_form(path: Path) -> bool:
    """Whether a field says how a payload is to be read, and is no part of a key."""
    return is_word(path) or bool(_FORMS.search(key_of(path)))


def varied(payload: Any, kept: set[Path]) -> Any:
    """Another event of the same kind, with the same values at these paths."""

    def vary(path: Path, value: Any) -> Any:
        if path in kept or isinstance(value, bool) or value is None or is_form(path):
            return value
        if isinstance(value, int | float):
            return value + 7
        if as_time(value):
            return value.replace("2026", "2025")
        other = re.sub(r"\d+", lambda digits: str(int(digits[0]) + 7).zfill(len(digits[0])), value)
        return other if other != value else f"{value}-z"

    return changed(payload, vary)
