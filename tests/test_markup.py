"""bridge/rendering/filters.py: nothing that passes a filter can do harm or look broken in Outlook."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from bridge.rendering.filters import between, clock, count, duration, plural
from bridge.rendering.links import safe_url
from bridge.rendering.markdown import plain
from bridge.rendering.text import one_line, printable, shorten


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("short", 10, "short"),
        ("exactly te", 10, "exactly te"),
        ("the pump runs dry", 10, "the pump…"),
        ("the pump, runs dry", 11, "the pump…"),
        ("Donaudampfschifffahrt", 10, "Donaudamp…"),
        ("a Donaudampfschifffahrt", 10, "a Donauda…"),
        ("", 0, ""),
        ("text", 0, "…"),
    ],
)
def test_shorten_cuts_after_a_word(text: str, limit: int, expected: str) -> None:
    assert shorten(text, limit) == expected


def test_one_line_has_no_line_ends_and_no_controls() -> None:
    assert one_line("  a\r\n\tb\u2028c\x00\x1b[0m \u202ed ", 20) == "a b c[0m d"
    assert one_line("\n" * 10_000_000 + "late", 20) == ""


def test_printable_keeps_line_ends_and_tabs() -> None:
    assert printable("a\n\tb\x07\x7f\x85\u2066") == "a\n\tb"


@pytest.mark.parametrize("url", ["https://example.com/a?b=c#d", "http://example.com", "mailto:a@example.com"])
def test_safe_url_passes_web_and_mail(url: str) -> None:
    assert safe_url(f" {url} ") == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "java\nscript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "//example.com",
        "/relative",
        "https://",
        "https:example.com",
        "mailto:",
        "https://exa mple.com",
        'https://example.com/"onclick=',
        "https://[broken",
        "https://example.com/" + "a" * 2000,
    ],
)
def test_safe_url_stops_everything_else(url: str) -> None:
    assert safe_url(url) == ""


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (-3, "0 s"),
        (0.2, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (250, "4 min 10 s"),
        (7200, "2 h"),
        (7201, "2 h"),
        (90061, "1 d 1 h"),
    ],
)
def test_duration_has_its_two_largest_units(seconds: float, expected: str) -> None:
    assert duration(seconds) == expected


def test_between_says_nothing_of_what_cannot_be() -> None:
    start = datetime(2026, 11, 23, 14, 3, tzinfo=UTC)
    assert between(start, start + timedelta(minutes=4)) == "4 min"
    for odd_start, end in [(None, start), (start, None), (start, start), (start, start - timedelta(1))]:
        assert between(odd_start, end) == ""
    assert between(datetime(1, 1, 1, tzinfo=UTC), start) == ""


def test_clock_is_in_utc() -> None:
    assert clock(datetime(2026, 11, 23, 15, 3, tzinfo=timezone(timedelta(hours=1)))) == "14:03 UTC"


@pytest.mark.parametrize(
    ("zone", "month", "expected"),
    [
        ("Europe/Berlin", 7, "16:03 UTC+2"),
        ("Europe/Berlin", 1, "15:03 UTC+1"),
        ("Asia/Kolkata", 1, "19:33 UTC+5:30"),
        ("America/St_Johns", 1, "10:33 UTC-3:30"),
        ("Europe/London", 1, "14:03 UTC"),
    ],
)
def test_clock_says_how_far_a_zone_is_from_utc(zone: str, month: int, expected: str) -> None:
    assert clock(datetime(2026, month, 23, 14, 3, tzinfo=UTC), ZoneInfo(zone)) == expected


def test_numbers() -> None:
    assert count(12400) == "12,400"
    assert [plural(1, "commit"), plural(1200, "commit"), plural(0, "reply", "replies")] == [
        "1 commit",
        "1,200 commits",
        "0 replies",
    ]


def test_plain_is_one_line_without_markup() -> None:
    assert plain("**Now**\n\n```c\nif (a < b)\n```\nthen", 100) == "Now if (a < b) then"
