"""Every post of every source, as people and Outlook's Word engine see it."""

import contextlib
import functools
import itertools
import os
import pickle
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from markupsafe import escape

from bridge.entries import Entry, Target, entry_id
from bridge.events import Event, Severity, Webhook
from bridge.local.sending import event_name
from bridge.publishing.digests import digest_html
from bridge.publishing.stories import post_html
from bridge.rendering.renderer import Renderer
from bridge.sources import SOURCES
from bridge.sources.base import Ignored, Source
from tests.amounts import one_in
from tests.forked import FOLDER
from tests.look import contrast, findings, parse, remnants

pytestmark = pytest.mark.wide

ROOT = Path(__file__).parent.parent
FIXTURES = ROOT.parent / "shared" / "fixtures"
SAMPLES = sorted(ROOT.glob("bridge/sources/*/samples/*.json"))
NOW = datetime(2026, 11, 23, 15, 5, tzinfo=UTC)
TARGET = Target("3c1d0d4e-0000-0000-0000-000000000000")
RENDERER = Renderer(titles={name: source.title for name, source in SOURCES.items()})


def events_of(source: Source, path: Path) -> list[Event]:
    name = event_name(path.name, source.event_parts)
    answer = source.read(Webhook(source.headers(name, path.stem), path.read_bytes()))
    return [] if isinstance(answer, Ignored) else list(answer)


def entry_of(event: Event, position: int = 0) -> Entry:
    return RENDERER.entry(event, entry_id(event, position, TARGET.group), TARGET, NOW)


def is_good_first_line(line: str) -> bool:
    """Below the topic, which names the object, it says in words what is new: never the severity alone."""
    shown = line.replace("\u200c", " ").strip()
    return bool(re.match(r"[^\W_]|[“„'(]", shown)) and shown.lower() not in set(Severity)


def payloads(files: Iterable[Path]) -> Iterator[tuple[Path, Event]]:
    """The events of the files of fixtures, whose folders write a source's name differently, or of samples."""
    names = {name.replace("_", ""): source for name, source in SOURCES.items()}
    for path in sorted(files):
        if path.name.startswith("invalid__"):  # what the service never sends
            continue
        folder = path.parents[1] if path in SAMPLES else path.parent
        if source := names.get(folder.name.replace("_", "")):
            for event in events_of(source, path):
                yield path, event


@functools.cache
def posts() -> list[tuple[Path, Event, Entry]]:
    """The events of all samples with their posts, which one process of a test run makes for all of them."""
    kept = Path(os.environ[FOLDER]) / "posts"
    with contextlib.suppress(FileNotFoundError):
        return pickle.loads(kept.read_bytes())
    found = [(path, event, entry_of(event)) for path, event in payloads(SAMPLES)]
    new = kept.with_suffix(f".{os.getpid()}")
    new.write_bytes(pickle.dumps(found))
    new.replace(kept)
    return found


def check(found: Iterable[tuple[Path, Event, Entry]]) -> None:
    wrong = []
    seen = 0
    for path, event, entry in found:
        lines = parse(entry.html).lines
        wrong += [f"{path.name}: {finding}" for finding in findings(entry.html)]
        wrong += [
            f"{path.name}: {remnant}" for remnant in remnants(entry.topic, entry.summary, entry.html, event.payload)
        ]
        if not set(event.title[:60].split()[:-1]) <= set(entry.topic.split()):
            wrong.append(f"{path.name}: its topic is not of {event.title!r}")
        if not is_good_first_line(lines[0]):
            wrong.append(f"{path.name}: its first line is {lines[0]!r}")
        seen += 1
    assert seen
    assert not wrong, "\n".join(sorted(set(wrong)))


def test_the_posts_of_the_samples() -> None:
    check(posts())


def test_the_posts_of_what_services_really_send() -> None:
    if not FIXTURES.is_dir():
        pytest.skip("needs the fixtures of services' payloads beside the project")
    check((*each, entry_of(each[1])) for each in payloads(one_in(6, sorted(FIXTURES.glob("*/*.json")))))


def test_a_post_of_two_cards_and_a_digest() -> None:
    entries = [entry_of(event) for _, event in itertools.islice(payloads(SAMPLES), 20)]
    assert findings(post_html(entries[:2])) == []
    spread = [
        Entry(**{**vars(entry), "occurred": NOW + timedelta(seconds=50 * place), "severity": list(Severity)[place % 5]})
        for place, entry in enumerate(entries)
    ]
    assert findings(digest_html(spread)) == []
    assert parse(digest_html(spread)).lines[0].startswith(f"{len(spread)} events ")


BAR = '<td width="6" style="background:#c4314b">&nbsp;</td>'
CARD = f'<table role="presentation" width="600"><tr>{BAR}<td>{{}}</td></tr></table>'


@pytest.mark.parametrize(
    ("html", "finding"),
    [
        ("<img>", "<img>"),
        ('<p class="x">a</p>', "class on <p>"),
        ('<p style="position:fixed">a</p>', "position on <p>"),
        ('<table role="presentation" style="background:url(x)"></table>', "background: url(x)"),
        ("<table><tr><td>a</td></tr></table>", "neither data"),
        ('<table role="presentation">' * 9 + "</table>" * 9, "too deep"),
        ('<a href="javascript:x">word</a>', "a link to"),
        ('<a href="https://a.example">here</a>', "says 'here'"),
        ('<a href="https://a.example"> </a>', "says ''"),
        (f'<a href="https://a.example">https://a.example/{"x" * 60}</a>', "shows https"),
        ('<span style="background:#f3f2f1">a</span>', "without a colour"),
        ('<p style="color:#000000">a</p>', "dark modes"),
        (CARD.format("FAILED").replace("<td width", '<td bgcolor="#111111" width'), "other"),
        ('<p style="color:#8a8886">a</p>', "'a' in #8a8886 on #fefefe"),
        (CARD.format("&nbsp;"), "a bar without its word"),
        (CARD.format("· nothing"), "a bar without its word"),
        (
            CARD.format(
                'FAILED <table role="presentation"><tr><td><table role="presentation"><tr>'
                '<td style="background:#c4314b">&nbsp;</td></tr></table></td></tr></table>'
            ),
            "without a text beside",
        ),
        ('<table role="presentation" width="700"></table>', "700 pixels"),
        (CARD.format('<table role="presentation" width="601"></table>'), "601 pixels"),
        (
            '<table role="presentation" width="100"><tr><td width="60">a</td><td width="60">b</td></tr></table>',
            "cells of 120",
        ),
        ("x" * 40_000, "40000 bytes"),
    ],
)
def test_the_rules_find(html: str, finding: str) -> None:
    assert finding in "\n".join(findings(html))


def test_people_may_write_what_a_template_may_not() -> None:
    for text in ("None", "2026-11-23T15:05:00Z", "**now**", "[a](b)", "<br>", "&amp;", "{{ x }}", "seen by"):
        said = f"octocat saw {text}" if text != "seen by" else text
        card = f"<p>{escape(said)}</p>"
        assert len(remnants(said, said, card, {"time": text})) == 3, text
        assert remnants(said, said, card, {"title": f"We {said}!"}) == []


def test_contrast_is_that_of_the_guidelines() -> None:
    assert contrast("#000000", "#ffffff") == 21
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
