"""Whatever a payload holds, its entry fits into a queue message, comes back as it was, and says something."""

import json
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import pytest

from bridge.configuration import Configuration
from bridge.entries import Entry, Target, from_message, to_message, within_limits
from bridge.errors import SettingsError
from bridge.events import Event, Severity, Webhook
from bridge.limits import MAX_HTML, MAX_LINE, MAX_MESSAGE, MAX_PARTICIPANTS
from bridge.rendering.renderer import Renderer
from bridge.settings import Settings
from bridge.sources import SOURCES
from tests.amounts import one_in
from tests.look import parse
from tests.test_attacks import RECEIVER, SAMPLES, everywhere
from tests.test_entries import ENTRY

pytestmark = pytest.mark.wide

NOW = datetime(2026, 11, 23, 14, 3, tzinfo=UTC)
GROUP = "3c1d0d4e-0000-4000-8000-000000000000"
HOSTILE = {
    "emoji": "\U0001f600" * 10_000,
    "families": "\U0001f468\u200d\U0001f469\u200d\U0001f467" * 3_000,
    "quotes": '"' * 10_000,
    "backslashes": "\\" * 10_000,
    "controls": "\x01" * 10_000,
    "markup": "<&" * 8_000,
    "surrogates": "\ud800" * 10_000,
    "lines": "\n" * 10_000,
    "separators": "a\u2028" * 8_000,
    "combining": "e" + "\u0301" * 10_000,
    "right to left": "\u05e9" * 10_000,
    "invisible": "\u200b\U000e0041" * 8_000,
    "words": "word " * 8_000,
    "markdown": "**a** [b](https://c.example/) " * 3_000,
}
RENDERER = Renderer()
EVENT = Event(
    source="github",
    kind="issues.opened",
    delivery="d",
    correlation_key="repo 1#2",
    title="Stop the pump",
    payload={},
    scope="contoso/pump",
    actor="mona",
    url="https://github.com/contoso/pump/issues/2",
    summary="Something happened",
    text="The pump runs dry.",
    facts=(("State", "open"),),
    attributes={"branch": "main"},
    details={"action": "opened"},
)
# What is a number or a flag has no length.
TEXTS = [one.name for one in fields(Event) if one.name not in {"severity", "occurred", "ends_thread", "repeat_window"}]


def rendered(event: Event) -> Entry:
    return RENDERER.entry(event, "0123456789abcdef" * 2, Target(GROUP), NOW)


def check(entry: Entry) -> None:
    message = to_message(entry)
    assert len(message.encode()) <= MAX_MESSAGE
    assert from_message(message) == entry
    assert len(entry.html.encode()) <= MAX_HTML
    for line in (entry.topic, entry.summary):
        assert line.strip()
        assert len(line.encode("utf-16-le")) // 2 <= MAX_LINE
    # The footer alone has the source's name and the time.
    assert len(parse(entry.html).text.strip()) > len("GitHub · 14:03 UTC")


def other(value: object, text: str) -> object:
    if isinstance(value, tuple):
        return ((text, text),) * 50
    if isinstance(value, dict):
        issue = {
            "number": 1,
            "title": text,
            "body": text,
            "html_url": text,
            "user": {"login": text},
            "labels": [text] * 50,
        }
        return {**dict.fromkeys(value, text), "issue": issue, text: text}
    return text


@pytest.mark.parametrize("field", TEXTS)
def test_an_event_with_any_text_in_a_field_fits(field: str) -> None:
    for text in one_in(3, list(HOSTILE.values()), TEXTS.index(field)):
        check(rendered(replace(EVENT, **{field: other(getattr(EVENT, field), text)})))


@pytest.mark.parametrize("name", HOSTILE)
def test_an_event_with_any_text_in_all_fields_fits(name: str) -> None:
    check(rendered(replace(EVENT, **{field: other(getattr(EVENT, field), HOSTILE[name]) for field in TEXTS})))


@pytest.mark.parametrize("name", HOSTILE)
def test_every_field_of_an_entry_has_a_limit(name: str) -> None:
    """Also of those that come to be: a field without a limit makes this message too long."""
    texts = {one.name: HOSTILE[name] for one in fields(Entry) if isinstance(getattr(ENTRY, one.name), str)}
    odd = {**texts, "severity": Severity.INFO, "html": "<p>x</p>", "participants": (HOSTILE[name],) * 500}
    entry = within_limits(replace(ENTRY, **odd))
    assert len(to_message(entry).encode()) <= MAX_MESSAGE
    assert from_message(to_message(entry)) == entry
    assert within_limits(entry) == entry
    assert {type(getattr(entry, one.name)) for one in fields(Entry)} <= {
        str, bool, tuple, float, datetime, Severity, timedelta, type(None)
    }  # fmt: skip


def test_what_has_a_usual_length_is_left_alone() -> None:
    assert within_limits(ENTRY) == ENTRY


def test_long_ids_that_differ_at_their_end_stay_different() -> None:
    one, two = (within_limits(replace(ENTRY, correlation_key="k" * 3000 + end)) for end in "ab")
    assert one.key != two.key


@pytest.mark.parametrize("name", SOURCES)
def test_every_webhook_with_any_text_fits(name: str) -> None:
    texts = list(HOSTILE.values())
    samples = list(enumerate(sample for sample in SAMPLES if sample[0] == name))
    for number, (_, event, payload) in one_in(10, samples, len(name)):
        text = texts[number % len(texts)][:4_000]  # of which a dozen are too much already
        # In every place, or where the event remains what it is.
        spoils = (lambda was, text=text: was + text, lambda was, text=text: was + text if " " in was else was)
        body = json.dumps(everywhere(payload, spoils[number % 2])).encode()
        receipt = RECEIVER.receive(name, Webhook(SOURCES[name].headers(event, "d"), body))
        assert receipt.status < 500
        for entry in receipt.entries:
            check(entry)


def test_more_participants_than_a_message_takes_are_a_wrong_setting() -> None:
    people = [f"p{number}@contoso.com" for number in range(MAX_PARTICIPANTS + 1)]
    for wrong in (people, [f"{'x' * 320} <p@contoso.com>"]):
        config = f'[[route]]\nwhen = "true"\ngroups = ["{GROUP}"]\nparticipants = {wrong}'
        with pytest.raises(SettingsError, match="20 people, each with 320 characters at most"):
            Configuration.of(Settings(GROUP, config))
