"""bridge/markup.py: nothing that passes a filter can do harm or look broken in Outlook."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from bridge.markup import (
    between,
    clock,
    count,
    duration,
    markdown,
    one_line,
    plain,
    plural,
    printable,
    safe_url,
    shorten,
)


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


def test_numbers() -> None:
    assert count(12400) == "12,400"
    assert [plural(1, "commit"), plural(1200, "commit"), plural(0, "reply", "replies")] == [
        "1 commit",
        "1,200 commits",
        "0 replies",
    ]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("**bold** and *soft* and ~~gone~~", "<strong>bold</strong> and <em>soft</em> and <s>gone</s>"),
        ("a\nb", "a<br>\nb"),
        ("- [ ] open\n- [x] done", "☐ open"),
        ("- [ ] open\n- [x] done", "☑ done"),
        ("[x] no list", "[x] no list"),
        (
            "see https://example.com/x now",
            '<a href="https://example.com/x" style="color:#0f6cbd">https://example.com/x</a>',
        ),
        ("README.md", "README.md</p>"),
        (
            "![the pump](https://example.com/p.png)",
            'href="https://example.com/p.png" style="color:#0f6cbd">the pump</a>',
        ),
        ("![](https://example.com/p.png)", ">image</a>"),
        (
            "[![badge](https://a.example/i.png)](https://b.example)",
            'href="https://b.example" style="color:#0f6cbd">badge</a>',
        ),
        ("[relative](docs/a.md)", ">relative</p>"),
        ("# Title", 'font-weight:600;color:#201f1e">Title</p>'),
        ("`a<b`", "a&lt;b</code>"),
        ("```c\nif (a < b)\n```", "if (a &lt; b)</pre>"),
        ("a\n\n    indented", "indented</pre>"),
        ("one<br>two", "one<br>two"),
        ("<details><summary>More</summary>\n\ninside\n\n</details>", "More</p>"),
        ("a <!-- hidden --> b", "a  b"),
        ("a <!-- never closed", "a</p>"),
        ("|a|b|\n|-|-|\n|1|2|", '<td style="border:1px solid #e1dfdd;padding:3px 8px">1</td>'),
        ("> quoted", "border-left"),
        ("1. one\n2. two", "<ol style="),
    ],
)
def test_markdown_is_githubs(text: str, wanted: str) -> None:
    assert wanted in markdown(text, 1000)


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "a <script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "a <img src=x onerror=alert(1)> b",
        "[x](javascript:alert(1))",
        "[x]( JAVASCRIPT:alert(1))",
        "![x](javascript:alert(1))",
        "[x](data:text/html;base64,AAAA)",
        "<a href='javascript:alert(1)'>x</a>",
        "<javascript:alert(1)>",
        "[x][y]\n\n[y]: javascript:alert(1)",
        '[x](https://example.com "\\" onclick=alert(1)")',
        "<style>p{}</style>",
        "<p style='position:fixed'>x</p>",
    ],
)
def test_markdown_passes_nothing_that_acts(text: str) -> None:
    html = markdown(text, 1000).lower()
    for bad in ("<script", "<img", "<style", 'href="javascript', 'href="data', "onerror=", " onclick", "position"):
        assert bad not in html


def test_markdown_is_cut_at_a_word_and_leads_on() -> None:
    html = markdown("The pump runs dry. " * 20, 30, "https://example.com/7")
    assert "The pump runs dry. The pump…" in html
    assert html.endswith('<a href="https://example.com/7" style="color:#0f6cbd">Read on</a></p>')
    assert "Read on" not in markdown("short", 30, "https://example.com/7")
    assert "Read on" not in markdown("long " * 20, 30, "javascript:alert(1)")
    assert markdown("```\n" + "code " * 20, 30, "https://example.com/7").endswith("Read on</a>")


def test_markdown_of_nothing_is_nothing() -> None:
    assert markdown(" <!-- a form that nobody filled --> \n", 100) == ""


def test_plain_is_one_line_without_markup() -> None:
    assert plain("**Now**\n\n```c\nif (a < b)\n```\nthen", 100) == "Now if (a < b) then"
