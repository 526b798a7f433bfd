"""The rules for posts hold for stories and digests, too: posts of several events, of every source."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cache
from itertools import islice

import pytest

from bridge.entries import Entry, entry_id
from bridge.publishing.digests import digest_html, digest_topic
from bridge.publishing.stories import post_html
from bridge.sources import SOURCES
from tests.amounts import FUZZ, one_in
from tests.look import findings, narrow, parse, sentences
from tests.test_look import NOW, TARGET, is_good_first_line, posts

pytestmark = pytest.mark.wide

TITLES = {name: source.title for name, source in SOURCES.items()}
_MOST = 6 if FUZZ else 3  # stories of a key
_PADDING = re.compile("[\u200c\u00a0 ]+$")


@cache
def entries() -> tuple[Entry, ...]:
    """The entries of all samples, in an order of their own."""
    return tuple(
        replace(entry, id=entry_id(event, place, TARGET.group)) for place, (_, event, entry) in enumerate(posts())
    )


def at(several: Sequence[Entry], minutes: float) -> list[Entry]:
    return [replace(one, occurred=NOW + timedelta(minutes=minutes * place)) for place, one in enumerate(several)]


def stories(source: str) -> Iterator[list[Entry]]:
    """Pairs and triples of events that share a correlation key, within a day and over several."""
    by_key: dict[str, list[Entry]] = defaultdict(list)
    for one in entries():
        if one.source == source:
            by_key[one.correlation_key].append(one)
    for several in by_key.values():
        for length, minutes in ((2, 7), (3, 1500)):
            found = (several[place : place + length] for place in range(len(several) - length + 1))
            yield from (at(each, minutes) for each in islice(found, _MOST))


def wrong_in(html: str) -> list[str]:
    return [*findings(html), *narrow(html), *sentences(html)]


@pytest.mark.parametrize("source", sorted(SOURCES))
def test_stories_keep_the_rules_of_posts(source: str) -> None:
    wrong = []
    for number, several in enumerate(stories(source)):
        for is_reply in one_in(2, (False, True), number):
            html = post_html(several, is_reply=is_reply, token="a" * 32)
            lines = [_PADDING.sub("", line) for line in parse(html).lines]
            name = " + ".join(one.kind for one in several)
            wrong += [f"{name}: {finding}" for finding in wrong_in(html)]
            if not is_good_first_line(lines[0]):
                wrong.append(f"{name}: its first line is {lines[0]!r}")
            if "<!--" in html:
                wrong.append(f"{name}: a mark is left")
    assert sorted(set(wrong)) == []


def test_single_posts_fit_a_phone_and_read_without_their_html() -> None:
    wrong = [
        f"{one.source}/{one.kind}: {finding}"
        for one in entries()
        for finding in [*narrow(one.html), *sentences(one.html)]
    ]
    assert sorted(set(wrong)) == []


@pytest.mark.parametrize("step", [7, 11, 23])
def test_digests_of_mixed_samples_keep_the_rules_of_posts(step: int) -> None:
    several = at([*entries()[::step], *entries()[1::step]][:60], 0.3)
    html = digest_html(several, TITLES)
    assert wrong_in(html) == []
    assert is_good_first_line(parse(html).lines[0])
    assert 0 < len(digest_topic(several, TITLES)) <= 120


@pytest.mark.parametrize("source", ["alertmanager", "github", "grafana", "azure_monitor"])
def test_digests_of_one_source_keep_the_rules_of_posts(source: str) -> None:
    several = at([one for one in entries() if one.source == source][:40], 0.2)
    assert wrong_in(digest_html(several, TITLES)) == []


def test_the_rules_for_phones_find_what_is_too_wide() -> None:
    cells = '<td width="200">a</td><td>repositories</td>'
    assert narrow(f'<table role="presentation" width="100%"><tr>{cells}</tr></table>') == []
    wide = f'<table role="presentation" width="100%"><tr>{cells}<td width="100">b</td></tr></table>'
    assert "364 pixels where a phone has room for 320" in narrow(wide)[0]
    assert sentences("<p>·</p><p>fine</p>") == ["·"]
