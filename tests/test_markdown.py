"""rendering.markdown: GitHub's Markdown as GitHub means it, in tags that Word knows, harmless and cut to length."""

import pytest

from bridge.rendering.markdown import markdown
from tests.look import parse

REPOSITORY = "https://github.com/contoso/pumps"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("**bold** and *soft* and ~~gone~~", "<strong>bold</strong> and <em>soft</em> and <s>gone</s>"),
        ("a\nb", "a<br>\nb"),
        ("- [ ] open\n- [x] done", "☐ open"),
        ("- [ ] open\n- [x] done", "☑ done"),
        ("```\n- [ ] code\n```", "- [ ] code</pre>"),
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


def test_markdown_is_cut_by_what_is_seen_and_closes_what_is_open() -> None:
    notes = (
        "<h2>Release notes</h2>\n<ul>\n" + '<li><a href="https://a.example/1">The pump</a> runs <b>dry</b></li>\n' * 40
    )
    body = parse(markdown(notes, 200, "https://example.com/7"))
    assert 160 <= len(body.text) <= 240
    assert body.lines[0] == "Release notes"
    assert body.text.endswith("… Read on")
    assert "<" not in body.text


def test_markdown_that_is_cut_within_a_tag_shows_nothing_of_it() -> None:
    text = f'Short <a href="https://a.example/{"x" * 800}">words</a>'
    assert parse(markdown(text, 100, "https://example.com/7")).text == "Short Read on"


@pytest.mark.parametrize("kind", ["note", "tip", "important", "warning", "caution"])
def test_an_alert_says_its_kind_in_words(kind: str) -> None:
    body = parse(markdown(f"> [!{kind.upper()}]\n> The pump runs **dry**.\n>\n> Refill it.", 1000))
    assert body.lines == [kind.capitalize(), "The pump runs dry.", "Refill it."]
    plain = parse(markdown("> The pump [!NOTE] runs", 1000))
    assert plain.lines == ["The pump [!NOTE] runs"]


def test_details_are_open() -> None:
    body = parse(markdown("<details>\n<summary>More</summary>\n\n- inside\n\n</details>\n\nafter", 1000))
    assert body.lines == ["More", "inside", "after"]


def test_html_that_github_shows_is_shown() -> None:
    html = markdown('<p align="center"><b>B</b> <i>i</i> <kbd>Ctrl</kbd> <a href="https://a.example">a</a></p>', 1000)
    assert "<strong>B</strong> <em>i</em> <code" in html
    assert '<a href="https://a.example"' in html
    assert "center" not in html


def test_comments_are_dropped_but_not_those_in_code() -> None:
    body = parse(markdown("a<!-- x\ny -->b\n\n```html\n<!-- kept -->\n```\n\n`<!-- kept -->` <!-- gone", 1000))
    assert body.lines == ["ab", "<!-- kept -->", "<!-- kept -->"]


@pytest.mark.parametrize(
    ("text", "address", "words"),
    [
        ("thanks @octo-cat!", "https://github.com/octo-cat", "@octo-cat"),
        ("see #12.", f"{REPOSITORY}/issues/12", "#12"),
        ("(GH-12)", f"{REPOSITORY}/issues/12", "GH-12"),
        ("contoso/valves#7", "https://github.com/contoso/valves/issues/7", "contoso/valves#7"),
        (
            "in 9f8e7d6c5b4a39281706f5e4d3c2b1a09f8e7d6c",
            f"{REPOSITORY}/commit/9f8e7d6c5b4a39281706f5e4d3c2b1a09f8e7d6c",
            "9f8e7d6",
        ),
        ("in 9f8e7d6", f"{REPOSITORY}/commit/9f8e7d6", "9f8e7d6"),
        ("at www.example.com/a.", "http://www.example.com/a", "www.example.com/a"),
        ("to mona@example.com", "mailto:mona@example.com", "mona@example.com"),
        ("at https://example.com/#12", "https://example.com/#12", "https://example.com/#12"),
        ("**@mona**", "https://github.com/mona", "@mona"),
    ],
)
def test_what_a_text_names_is_linked(text: str, address: str, words: str) -> None:
    links = [node for node in parse(markdown(text, 1000, repository=REPOSITORY)).walk() if node.tag == "a"]
    assert [(node.attributes["href"], node.text) for node in links] == [(address, words)]


@pytest.mark.parametrize(
    "text",
    [
        "`#12 @mona`",
        "```\n@mona\n```",
        "a#12",
        "#0",
        "#12a",
        "@types/node",
        "mona@",
        "1234567",
        "defaced",
        "&#35;x",
        "a/b/c",
    ],
)
def test_what_only_looks_like_a_reference_is_text(text: str) -> None:
    assert "<a" not in markdown(text, 1000, repository=REPOSITORY)


def test_without_a_repository_nothing_of_it_is_linked() -> None:
    assert "<a" not in markdown("@mona #12 contoso/valves#7 9f8e7d6", 1000)
    assert "<a" not in markdown("@mona #12 contoso/valves#7 9f8e7d6", 1000, repository="javascript:alert(1)//a/b")


@pytest.mark.parametrize(
    "text",
    [
        "<!--" * 50_000,
        "`" * 100_000,
        "[" * 50_000,
        "<a " * 50_000,
        "> " * 50_000,
        "a@" * 50_000,
        "<b>" * 50_000,
        "*a" * 50_000,
    ],
)
def test_what_is_made_to_be_slow_is_cut_first(text: str) -> None:
    assert len(markdown(text, 1200)) < 40_000
