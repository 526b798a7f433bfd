"""bridge/sources/jira: wiki markup and documents as people read them."""

import pytest

from bridge.rendering.markdown import markdown
from bridge.sources.jira import document, wiki
from tests.look import parse


def shown(text: str) -> list[str]:
    return parse(markdown(text, 2000)).lines


@pytest.mark.parametrize(
    ("markup", "html"),
    [
        ("a *bold* word", "a <strong>bold</strong> word"),
        ("an _old_ word", "an <em>old</em> word"),
        ("a *_very bold_* word", "a <em><strong>very bold</strong></em> word"),
        ("a -struck- word", "a <s>struck</s> word"),
        ("+new+, H~2~O, m^2^, ??Mona??", "new, H2O, m2, Mona"),
        ("{color:red}red{color}", "red"),
        ("snake_case_name, 2 * 3 * 4, a-b-c", "snake_case_name, 2 * 3 * 4, a-b-c"),
        ("ASAP\\!", "ASAP!"),
        ("List<String> and a `tick`", "List&lt;String&gt; and a `tick`"),
        ("See !pump.png|thumbnail! here", "See <em>pump.png</em> here"),
        ("[~accountid:7], [~mona], [~accountid:9]", "@Mona Lisa, @Mona Lisa, @someone"),
        ("[^pump.csv] and [brackets]", "<em>pump.csv</em> and [brackets]"),
    ],
)
def test_words(markup, html):
    shown_ = markdown(wiki.markdown(markup, {"7": "Mona Lisa", "mona": "Mona Lisa"}), 2000)
    assert shown_ == f'<p style="margin:0">{html}</p>'


@pytest.mark.parametrize(
    ("markup", "lines"),
    [
        ("h1. Dry\r\nIt runs dry.", ["Dry", "It runs dry."]),
        ("bq. said once\nafter", ["said once", "after"]),
        ("{quote}\none\n\ntwo\n{quote}\nafter", ["one", "two", "after"]),
        ("{panel:title=Note|bgColor=#fff}\nRead it.\n{panel}", ["Note", "Read it."]),
        ("{code:python|title=x.py}\nif *a*:\n    b_c_d()\n{code}", ["if *a*: b_c_d()"]),
        ("{noformat}\n[a|b] {{c}}\n{noformat}", ["[a|b] {{c}}"]),
        ("{code}\nnot closed", ["not closed"]),
        ("use {{a_b_c *d*}} here", ["use a_b_c *d* here"]),
        ("* one\n** two\n# three", ["one two", "three"]),
        ("||Pump||State||\n|P1|*dry*|\n|P2|wet|", ["Pump State", "P1 dry", "P2 wet"]),
        ("one\n----\ntwo", ["one", "two"]),
        ("one\\\\two", ["one", "two"]),
    ],
)
def test_blocks(markup, lines):
    assert shown(wiki.markdown(markup, {})) == lines


def test_links_lead_where_they_say_and_bare_ones_show_themselves():
    shown_ = markdown(
        wiki.markdown("[the log|https://x.example/a_b_c|smart-link], [https://y.example] or https://z.example/_a_", {}),
        2000,
    )
    assert [node.attributes["href"] for node in parse(shown_).walk() if node.tag == "a"] == [
        "https://x.example/a_b_c",
        "https://y.example",
        "https://z.example/_a_",
    ]
    assert "<a" not in markdown(wiki.markdown("[x|javascript:alert(1)]", {}), 2000)


def test_a_long_text_costs_no_time():
    for mark in ("*", "_", "{code}", "[", "{{", "||", "!a", "{quote}", "-", "\\\\"):
        assert isinstance(wiki.markdown(mark * 20_000, {}), str)


def text(words, *marks):
    return {
        "type": "text",
        "text": words,
        "marks": [{"type": mark} if isinstance(mark, str) else mark for mark in marks],
    }


def paragraph(*content):
    return {"type": "paragraph", "content": list(content)}


def doc(*content):
    return {"type": "doc", "version": 1, "content": list(content)}


@pytest.mark.parametrize(
    ("content", "html"),
    [
        ([text("a "), text("bold", "strong"), text(" word")], "a <strong>bold</strong> word"),
        ([text(" old ", "em"), text("x*y*z")], "<em>old</em> x*y*z"),
        ([text("a_b", "code"), text(" struck", "strike")], None),
        ([{"type": "mention", "attrs": {"text": "@Mona Lisa"}}], "@Mona Lisa"),
        ([{"type": "emoji", "attrs": {"shortName": ":smile:", "text": "😄"}}], "😄"),
        ([{"type": "date", "attrs": {"timestamp": "1795442591428"}}], "23 Nov 2026"),
        ([{"type": "status", "attrs": {"text": "DONE"}}], "DONE"),
        ([text("List<String>")], "List&lt;String&gt;"),
    ],
)
def test_runs(content, html):
    shown_ = markdown(document.markdown(doc(paragraph(*content)), {}), 2000)
    if html is None:
        assert "a_b</code> <s>struck</s>" in shown_
    else:
        assert shown_ == f'<p style="margin:0">{html}</p>'


def item(*content):
    return {"type": "listItem", "content": list(content)}


@pytest.mark.parametrize(
    ("block", "lines"),
    [
        ({"type": "heading", "attrs": {"level": 2}, "content": [text("Dry")]}, ["Dry"]),
        (
            {"type": "bulletList", "content": [item(paragraph(text("one"))), item(paragraph(text("two")))]},
            ["one", "two"],
        ),
        ({"type": "codeBlock", "content": [text("if *a*:")]}, ["if *a*:"]),
        ({"type": "panel", "content": [paragraph(text("Read it."))]}, ["Read it."]),
        ({"type": "expand", "attrs": {"title": "More"}, "content": [paragraph(text("inside"))]}, ["More", "inside"]),
        (
            {"type": "taskList", "content": [{"type": "taskItem", "attrs": {"state": "DONE"}, "content": [text("a")]}]},
            ["☑ a"],
        ),
        (
            {
                "type": "table",
                "content": [
                    {"type": "tableRow", "content": [{"type": kind, "content": [paragraph(text(word))]}]}
                    for kind, word in (("tableHeader", "Pump"), ("tableCell", "P1"))
                ],
            },
            ["Pump", "P1"],
        ),
        ({"type": "somethingNew", "content": [paragraph(text("is shown"))]}, ["is shown"]),
    ],
)
def test_blocks_of_documents(block, lines):
    assert shown(document.markdown(doc(block), {})) == lines


def test_a_document_of_any_depth_and_shape_is_read():
    block = paragraph(text("deep"))
    for _ in range(200):
        block = {"type": "blockquote", "content": [block]}
    assert document.markdown(doc(block), {}) is not None
    for odd in (None, 7, [], {"type": "doc"}, {"content": [None, {"content": "x"}, {"type": "text"}]}):
        assert isinstance(document.markdown(odd, {}), str)


def test_a_name_with_the_marks_of_what_is_kept_is_a_name() -> None:
    assert wiki.markdown("[~nora] and {{a}}", {"nora": "\ue0000\ue001 \ue00099\ue001Nora"}) == "@0 99Nora and `a`"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("{{a{b}c}}", "`a{b}c`"),
        ("{{ {{a}}", "{{ `a`"),
        ("*one *two* three", "*one **two** three"),
        ("{code:java|title=a}x{code}", "```\nx\n```"),
        ("h2. ", "##"),
        ("#  x", "1. x"),
    ],
)
def test_the_nearest_mark_counts(text: str, wanted: str) -> None:
    assert wiki.markdown(text, {}).strip() == wanted
