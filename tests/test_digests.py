"""bridge/publishing/digests.py: a storm becomes one post that shows every event, is safe, bounded and counts right."""

import hashlib
import itertools
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from bridge.entries import Entry
from bridge.events import Severity
from bridge.limits import MAX_LINE, MAX_POST, MAX_ROWS
from bridge.publishing.chart import MAX_COLUMNS
from bridge.publishing.digests import digest_html, digest_topic
from tests.amounts import one_in
from tests.test_rendering import Inspector

NOW = datetime(2026, 11, 23, 14, 3, 12, tzinfo=UTC)
TITLES = {"alertmanager": "Alertmanager", "github": "GitHub"}
HOSTILE = [
    "<script>alert(1)</script>",
    '" onclick="alert(1)" x="',
    "' onmouseover='alert(1)",
    "javascript:alert(1)",
    "JAVASCRIPT&colon;alert(1)",
    'https://example.com/"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }}{% raw %}",
    "<!-- -->]]></td></table>",
    "\x00\x1b[31m\u202e\x85",
    "&" * 5000,
    '"' * 5000,
    "\N{PILE OF POO}" * 5000,
]


def entry(
    number: int = 0,
    severity: Severity = Severity.ERROR,
    seconds: float = 0,
    source: str = "alertmanager",
    summary: str = "InstanceDown db-03",
    topic: str = "db-03",
    url: str = "https://alerts.example.com/graph?g0.expr=up&g0.tab=1",
) -> Entry:
    time = NOW + timedelta(seconds=seconds)
    return Entry(
        id=hashlib.sha256(str(number).encode()).hexdigest()[:32],
        group="3c1d0d4e-0000-0000-0000-000000000000",
        correlation_key=f"alert {number}",
        source=source,
        kind="firing",
        delivery="d-1",
        topic=topic,
        summary=summary,
        html="<p>The card of its own</p>",
        url=url,
        severity=severity,
        ends_thread=False,
        participants=(),
        conversation="",
        occurred=time,
        received=time,
    )


def storm(*counts: tuple[Severity, int], source: str = "alertmanager", seconds: float = 240) -> list[Entry]:
    """So many entries of each severity, evenly over the time."""
    severities = [severity for severity, number in counts for _ in range(number)]
    pace = seconds / max(len(severities) - 1, 1)
    return [
        entry(number, severity, pace * number, source, f"Event {number}") for number, severity in enumerate(severities)
    ]


def text_of(html: str) -> str:
    return " ".join("".join(Inspector(html).words).split())


def rows_of(html: str) -> list[str]:
    """The texts of the events' rows."""
    return [text_of(row) for row in re.findall(r'<tr valign="top">.*?</tr>', html, re.DOTALL)]


def columns_of(html: str) -> list[list[tuple[str, int]]]:
    """The colours and heights of the chart's columns."""
    columns = re.split(r'<td valign="bottom"', html)[1:]
    return [
        [(colour, int(height)) for height, colour in re.findall(r'height="(\d+)" bgcolor="(#\w{6})"', column)]
        for column in columns
    ]


def check(entries: Sequence[Entry]) -> str:
    """What holds for every digest, whatever its entries say."""
    html, topic = digest_html(entries, TITLES), digest_topic(entries, TITLES)
    Inspector(html)
    assert len(rows_of(html)) == len(entries)
    assert len(columns_of(html)) <= MAX_COLUMNS
    assert html.startswith('<table role="presentation" width="600"')
    assert html.count("<table") == html.count('<table role="presentation"') == html.count("</table>")
    assert html.count("<td") == html.count("</td>")
    assert not {chr(code) for code in range(32)} - {"\n"} & set(html)
    assert 0 < len(topic) <= MAX_LINE
    assert topic == " ".join(topic.split())
    return html


@pytest.mark.parametrize(
    ("entries", "topic"),
    [
        (
            [*storm((Severity.CRITICAL, 3), (Severity.ERROR, 40), (Severity.INFO, 168)), entry(source="github")],
            "212 events from Alertmanager and GitHub in 4 min: 3 critical, 41 errors",
        ),
        ([entry()], "1 event from Alertmanager: 1 error"),
        ([entry(severity=Severity.CRITICAL)], "1 event from Alertmanager: 1 critical"),
        ([entry(severity=Severity.WARNING), entry(1, Severity.WARNING)], "2 events from Alertmanager: 2 warnings"),
        (storm((Severity.SUCCESS, 2), (Severity.INFO, 1), seconds=12), "3 events from Alertmanager in 12 s"),
        (storm((Severity.INFO, 1200), source="barks", seconds=3900), "1,200 events from barks in 1 h 5 min"),
        (
            [entry(number, source=f"source-{number}") for number in range(9)],
            "9 events from source-0, source-1, source-2 and 6 more: 9 errors",
        ),
    ],
)
def test_topic(entries: list[Entry], topic: str) -> None:
    assert digest_topic(entries, TITLES) == topic


def test_sources_without_a_title_go_by_their_name() -> None:
    assert digest_topic([entry(source="github")]) == "1 event from github: 1 error"
    assert "1 event from github" in text_of(digest_html([entry(source="github")]))


@pytest.mark.parametrize("title", ["x" * 5000, "word " * 5000, "line\nline\n" * 100, "\x00<b>\u202e"])
def test_titles_of_any_length_make_one_line(title: str) -> None:
    titles = {name: f"{name} {title}" for name in "abcdefghijklmnop"}
    entries = [entry(number, severity, source=name) for number, name in enumerate(titles) for severity in Severity]
    topic = digest_topic(entries, titles)
    assert len(topic) <= MAX_LINE
    assert topic == " ".join(topic.split())
    Inspector(digest_html(entries, titles))


def test_the_head_says_how_bad_how_many_when_and_from_where() -> None:
    entries = [
        *storm((Severity.CRITICAL, 3), (Severity.ERROR, 1), (Severity.WARNING, 20)),
        *storm((Severity.INFO, 1), (Severity.SUCCESS, 2), source="github"),
    ]
    html = check(entries)
    text = text_of(html).replace("\xa0", "")
    assert "Digest · 14:03 to 14:07 UTC" in text
    assert (
        "27 events from Alertmanager and GitHub in 4 min 3 critical · 1 error · 20 warnings · 1 info · 2 successes"
        in text
    )
    assert "Alertmanager 24 · GitHub 3" in text
    assert 'width="6" bgcolor="#8c1a2b"' in html


def test_a_row_is_an_object_in_its_newest_state_and_says_how_many_events_led_there() -> None:
    firing = replace(entry(1, seconds=0, summary="db-03 is down"), word="Firing", scope="plant-west")
    over = replace(firing, id="f" * 32, word="Resolved", severity=Severity.SUCCESS, summary="db-03 is up again")
    html = digest_html([firing, replace(over, occurred=NOW + timedelta(minutes=3)), entry(2)])
    assert rows_of(html) == [
        "Error · 14:03 InstanceDown db-03",
        "Resolved · 14:06 · plant-west · 2 events db-03 is up again",
    ]


def test_the_topic_names_what_all_events_have_in_common() -> None:
    alerts = [replace(entry(number, seconds=80 * number), word="Firing", scope="plant-west") for number in range(4)]
    assert digest_topic(alerts, TITLES) == "4 alerts of plant-west in 4 min: 4 errors"


def test_rows_keep_the_order_and_say_severity_time_and_summary() -> None:
    entries = [
        entry(7, Severity.CRITICAL, 60, summary="Everything is down"),
        entry(8, Severity.INFO, 0, summary="", topic="Only a topic"),
        entry(9, Severity.SUCCESS, 120, summary=" ", topic=""),
    ]
    assert rows_of(check(entries)) == [
        "Critical · 14:04 Everything is down",
        "Info · 14:03 Only a topic",
        "Success · 14:05 firing",
    ]


def test_times_are_utc_and_have_their_day_where_there_is_more_than_one() -> None:
    east = timezone(timedelta(hours=9))
    entries = [entry(number, seconds=number * 6 * 3600) for number in range(2)]
    moved = [type(each)(**{**vars(each), "occurred": each.occurred.astimezone(east)}) for each in entries]
    assert digest_html(moved) == digest_html(entries)
    assert rows_of(check(moved))[1].startswith("Error · 20:03 ")
    long = check([entry(), entry(1, seconds=86400)])
    assert "23 Nov 14:03 to 24 Nov 14:03 UTC" in text_of(long)
    assert rows_of(long)[1].startswith("Error · 24 Nov 14:03 ")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "javascript:alert(1)",
        "https://example.com/" + "x" * 481,
        "//example.com",
        'https://example.com/"x',
        "http://[",
    ],
)
def test_urls_that_are_not_safe_or_too_long_are_not_linked(url: str) -> None:
    html = check([entry(url=url)])
    assert "<a " not in html
    assert "InstanceDown db-03" in html


def test_times_are_of_the_zone_that_is_set() -> None:
    text = text_of(digest_html([entry(), entry(seconds=50_000)], zone=ZoneInfo("America/New_York")))
    assert "09:03 to 22:56 UTC-5" in text
    assert text.endswith("times in UTC-5")


def test_a_row_leads_to_its_event() -> None:
    assert 'href="https://alerts.example.com/graph?g0.expr=up&amp;g0.tab=1"' in check([entry()])
    longest = "https://example.com/" + "x" * 480
    assert f'href="{longest}"' in check([entry(url=longest)])


def test_long_summaries_are_shortened() -> None:
    (row,) = rows_of(check([entry(summary="word " * 100)]))
    assert len(row) <= len("error 14:03 ") + 160 + len(" 0123456789ab")
    assert "word…" in row


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_text_does_nothing(hostile: str) -> None:
    check([entry(0, summary=hostile, topic=hostile, url=hostile, source=hostile), entry(1, summary="", topic=hostile)])


URLS = ["https://example.com/?" + "&" * 100, "https://example.com/?" + "&" * 470, ""]
USUAL = "The pump runs dry in hall 3, and nobody is there"


@pytest.mark.parametrize(("text", "url"), one_in(2, list(itertools.product([USUAL, *HOSTILE], URLS)), 1))
def test_as_many_rows_as_there_may_be_fit(text: str, url: str) -> None:
    entries = [
        entry(number, list(Severity)[number % 5], 3601 * number, f"{number}{text}", text, text, url)
        for number in range(MAX_ROWS)
    ]
    assert len(check(entries).encode()) <= MAX_POST


def test_a_usual_row_is_small() -> None:
    summary = "HighErrorRate checkout-api answers 12 % of requests with 5xx on wcus-r2-gen2, allowed 1 %"
    url = (
        "https://alerts.example.com/graph?g0.expr=rate%28http_requests_total%7Bcode%3D~%225..%22%7D%5B5m%5D%29&g0.tab=1"
    )
    few, many = ([entry(number, summary=summary, url=url) for number in range(size)] for size in (10, 110))
    assert len(digest_html(many).encode()) - len(digest_html(few).encode()) < 100 * 900


def test_the_chart_shows_events_per_minute() -> None:
    entries = [
        *[entry(number, Severity.ERROR, 0) for number in range(6)],
        *[entry(number, Severity.CRITICAL, 0) for number in range(6, 12)],
        *[entry(number, Severity.INFO, 130) for number in range(12, 15)],
    ]
    html = check(entries)
    assert columns_of(html) == [[("#c4314b", 24), ("#8c1a2b", 24)], [], [("#0f6cbd", 12)]]
    assert "Events per minute, 12 at most 14:03 14:04 14:05" in " ".join(
        word for word in " ".join(Inspector(html).words).split() if word != "\xa0"
    )


def test_one_among_hundreds_is_still_visible_in_the_chart() -> None:
    entries = [entry(number, seconds=number % 2 * 60) for number in range(400)]
    (first, second) = columns_of(check([*entries, entry(400, Severity.CRITICAL)]))
    assert first[-1] == ("#8c1a2b", 2)
    assert len(second) == 1


@pytest.mark.parametrize("seconds", [0, 30, 59])
def test_within_a_minute_there_is_no_chart(seconds: float) -> None:
    html = check(storm((Severity.ERROR, 10), seconds=seconds))
    assert columns_of(html) == []
    assert "at most" not in html


@pytest.mark.parametrize(
    ("minutes", "step", "columns"),
    [
        (1, "minute", 2),
        (29, "minute", 30),
        (30, "2 min", 16),
        (75, "5 min", 16),
        (300, "15 min", 21),
        (24 * 60, "hour", 25),
        (14 * 24 * 60, "12 h", 29),
        (20 * 24 * 60, "day", 21),
        (400 * 24 * 60, "14 d", 29),
    ],
)
def test_the_chart_takes_wider_steps_for_longer_times(minutes: int, step: str, columns: int) -> None:
    html = check([entry(), entry(1, seconds=60 * minutes)])
    assert f"Events per {step}, 1 at most" in html
    assert len(columns_of(html)) == columns
    widths = re.findall(r'<td width="(\d+)" valign="bottom"', html)
    assert sum(map(int, widths)) <= 552
