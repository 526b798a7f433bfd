import re
from dataclasses import replace
from datetime import timedelta

import pytest

from bridge.batching import MOST_BYTES, MOST_ROWS
from bridge.digests import MOST_COLUMNS, digest_html, digest_topic
from bridge.events import Severity
from tests.outbox_stand_ins import entry

TITLES = {"github": "GitHub", "alertmanager": "Alertmanager"}


def entries(number, **changes):
    return [entry(n, summary=f"Event {n}", **changes) for n in range(number)]


def test_the_topic_counts_by_severity_and_names_the_sources():
    several = [
        *entries(2, severity=Severity.ERROR),
        *entries(1, severity=Severity.CRITICAL, source="alertmanager"),
        *entries(1, severity=Severity.SUCCESS),
    ]
    assert digest_topic(several, TITLES) == "4 events: 1 critical, 2 errors, 1 success (GitHub, Alertmanager)"


def test_a_topic_is_one_line_of_bounded_length():
    topic = digest_topic([entry(n, source=f"source\n{n}" * 9) for n in range(99)], {})
    assert len(topic) <= 255
    assert "\n" not in topic


@pytest.mark.parametrize(("minutes", "span"), [(0, ""), (1, " in 1 min"), (119, " in 119 min"), (120, " in 2 h")])
def test_the_topic_says_over_which_time(minutes, span):
    first, last = entries(2)
    assert digest_topic([first, later(last, minutes)], {}).startswith(f"2 events{span}:")


def later(one, minutes):
    return replace(one, occurred=one.occurred + timedelta(minutes=minutes))


def test_every_event_has_its_row_with_its_reference_in_the_given_order():
    html = digest_html([*reversed(entries(30))], TITLES)
    assert re.findall(r"\b[0-9]{12}\b", html) == [f"{n:012d}" for n in reversed(range(30))]
    assert re.findall(r"Event \d+", html) == [f"Event {n}" for n in reversed(range(30))]


def test_severity_is_told_in_words_and_the_worst_one_on_top():
    html = digest_html([*entries(1, severity=Severity.WARNING), *entries(1)], TITLES)
    assert "DIGEST · WARNING" in re.sub(r"<[^>]*>", "", html)
    assert re.findall(r">(warning|info)</td>", html) == ["warning", "info"]


@pytest.mark.parametrize("hostile", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>'])
def test_what_events_say_is_text(hostile):
    html = digest_html(entries(1, source=hostile, topic=hostile), {}) + digest_html([entry(1, topic=hostile)], {})
    assert "<script" not in html
    assert "<img" not in html


@pytest.mark.parametrize(
    ("url", "is_linked"),
    [("https://example.com/1", True), ("javascript:alert(1)", False), ("https://example.com/" + "x" * 500, False)],
)
def test_only_safe_and_short_urls_are_linked(url, is_linked):
    assert ("<a href" in digest_html(entries(1, url=url), {})) is is_linked


@pytest.mark.parametrize(("minutes", "columns"), [(0, 0), (1, 2), (29, 30), (30, 16), (10_000, 30)])
def test_there_is_a_column_a_minute_but_never_more_than_thirty(minutes, columns):
    first, last = entries(2)
    html = digest_html([first, later(last, minutes)], {})
    assert html.count('valign="bottom"') == columns <= MOST_COLUMNS


def test_as_many_rows_as_a_post_may_have_fit_into_it():
    rows = entries(MOST_ROWS, url="https://example.com/" + "x" * 100, topic="ü" * 255)
    rows = [replace(row, summary="A summary of what happened to something " * 3) for row in rows]
    assert len(digest_html(rows, {}).encode()) <= MOST_BYTES
