"""Each service's markup as the HTML of a post, by the rules of that service."""

import time

import pytest

from bridge.rendering.markdown import markdown as html
from bridge.sources.markups import markdown
from tests.look import parse

pytestmark = pytest.mark.wide

HOSTILE = "<script>alert(1)</script>"
SERVICES = ["slack", "discord", "teams", "messagecard", "plain"]


def shown(markup, text):
    return str(html(markdown(markup, text), 5000))


def lines(markup, text):
    return parse(shown(markup, text)).lines


@pytest.mark.parametrize(
    ("markup", "text", "expected"),
    [
        ("slack", "*a* and a*b*c", "<strong>a</strong> and a*b*c"),
        ("slack", "_a_ snake_case_name", "<em>a</em> snake_case_name"),
        ("slack", "~a~", "<s>a</s>"),
        ("slack", "2*3*4 and 1 * 2", "2*3*4 and 1 * 2"),
        ("slack", "# no heading", "# no heading"),
        ("slack", "[no](link)", "[no](link)"),
        ("slack", "a &lt;b&gt; &amp; c", "a &lt;b&gt; &amp; c"),
        ("slack", "<@U1|mona> <@U2> <#C1|general> <!here> <!subteam^S1|@ops>", "@mona @someone #general @here @ops"),
        ("slack", "<!date^1795442580^{date}|23 Nov>", "23 Nov"),
        ("slack", "<!date^1795442580^{date}>", "23 Nov 2026, 14:03 UTC"),
        ("slack", ":rocket: :no_such_name:", "🚀 :no_such_name:"),
        ("discord", "**a** *b* ~~c~~", "<strong>a</strong> <em>b</em> <s>c</s>"),
        ("discord", "||hidden||", "hidden"),
        ("discord", "<@123456789> <@&123456789> <#123456789>", "@someone @role #channel"),
        ("discord", "<t:1795442580:R>", "23 Nov 2026, 14:03 UTC"),
        ("discord", "<:party:123456789>", ":party:"),
        ("discord", "-# small", "small"),
        ("discord", "<b>x</b>", "&lt;b&gt;x&lt;/b&gt;"),
        ("teams", "**a** _b_", "<strong>a</strong> <em>b</em>"),
        ("teams", "<at>Nora Berg</at>", "@Nora Berg"),
        ("teams", "{{DATE(2026-11-23T14:03:00Z, SHORT)}} {{TIME(2026-11-23T14:03:00Z)}}", "23 Nov 2026 14:03 UTC"),
        ("teams", "{{DATE(never)}}", "{{DATE(never)}}"),
        ("teams", "<b>x</b>", "&lt;b&gt;x&lt;/b&gt;"),
        ("messagecard", "a<br>b <b>c</b>", "a<br>b <strong>c</strong>"),
        ("plain", "*a* _b_ [c](d) `e` # f", "*a* _b_ [c](d) `e` # f"),
    ],
)  # fmt: skip
def test_a_markup_has_the_rules_of_its_service(markup, text, expected):
    assert expected in shown(markup, text)


def test_a_link_of_slack_keeps_its_address_and_its_words():
    assert '<a href="https://a.example/x_y_z?a=1&amp;b=2"' in shown(
        "slack", "<https://a.example/x_y_z?a=1&amp;b=2|the *run*>"
    )
    assert ">the *run*</a>" in shown("slack", "<https://a.example|the *run*>")


@pytest.mark.parametrize("markup", SERVICES)
def test_quotes_and_lists_end_where_their_lines_end(markup):
    assert lines(markup, "- one\n- two\nafter")[-1] == "after"
    assert "<li>two<br>" not in shown(markup, "- one\n- two\nafter")
    quoted = parse(shown(markup, "> said\nafter"))
    assert [node.text for node in quoted.walk() if node.tag == "blockquote"] in ([["said"], []])


@pytest.mark.parametrize("markup", ["slack", "discord", "teams", "messagecard"])
def test_code_stays_as_it_is(markup):
    code = "if a &lt; b:\n    **x** <@U1>" if markup == "slack" else "if a < b:\n    **x** <@123456>"
    (block,) = (node for node in parse(shown(markup, f"```\n{code}\n```")).walk() if node.tag == "pre")
    assert "".join(map(str, block.children)).startswith("if a < b:\n    **x** ")


@pytest.mark.parametrize("markup", SERVICES)
@pytest.mark.parametrize(
    "text", [HOSTILE, f"*{HOSTILE}*", f"`{HOSTILE}`", f"> {HOSTILE}", f"<https://a.example|{HOSTILE}>"]
)
def test_no_tag_acts(markup, text):
    assert "<script" not in shown(markup, text)


@pytest.mark.parametrize("markup", SERVICES)
@pytest.mark.parametrize("text", ["[x](javascript:alert(1))", "<javascript:alert(1)|x>", "[x](data:text/html,x)"])
def test_no_link_leads_to_anything_that_acts(markup, text):
    assert "<a " not in shown(markup, text)


@pytest.mark.parametrize("markup", SERVICES)
@pytest.mark.parametrize(
    "piece",
    [
        "*",
        "_a",
        "<",
        "`",
        "```",
        "~~",
        "<at>",
        "||",
        "<@1",
        "> ",
        "- ",
        ":a",
        "{{DATE(",
        "[",
        "\ue000",
        "a" + 999 * " ",
        "https://",
        ":a:",
    ],
)
def test_no_text_takes_long(markup, piece):
    start = time.process_time()
    shown(markup, piece * (8_000 // len(piece)))
    assert time.process_time() - start < 1
