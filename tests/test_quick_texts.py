"""Texts are read in quick ways where that is enough: as the Markdown parser and thorough expressions read them."""

import random
import re
from urllib.parse import urlsplit

import pytest

from bridge.rendering import markdown
from bridge.rendering.links import safe_url
from bridge.rendering.markdown_html import as_html
from bridge.rendering.markdown_lines import html_of, words_of
from bridge.rendering.text import has_invisible, in_words, one_line, printable, shorten, visible

WORDS = r"""
    the tank is empty Stop http: www. www www.contoso.com mailto: MAILTO:a@b.example GH-12 abc1234 deadbeef a. b) 1. 12)
    (c) 50% don't x-y - -- e.g. ftp:x a/b a=b == 12 note: javascript:x ... .. . , ; ? ' '' (tm) + * #1 @c <d> & | [e] !
    **b** *c* __d__ ***e*** snake_case a_b_c _x y_ (**f**) `g `h`, ``i`` `j``k` **a**b **a**, *a* **a *a** _a_b _a__ ~u~
    [l](https://a.example) [m](<https://b.example/x?y=z#w>) [n.example](https://o.example) [p](javascript:q) ~~u~~ "q" >
    ![r](https://s.example) [t]: {x} $y$ é ü· 🚀 ❤️ · … a@b.example @mona contoso/pump#3 https://x.example/y \* \ # ##
    //c.example <https://z.example> 1.2 10:30 a|b --- === [ ] &amp; **é** [a_b](https://c.example/) [k](https://EX.example)
"""
CODE = [
    "```",
    "~~~",
    "~~~~",
    "```py",
    "~~~ x",
    "",
    "  c",
    "<b> & c",
    "* d",
    "<!-- e -->",
    "é",
    "``",
    "&lt;",
    "    f",
    "a",
]
SIGNS = "abAB ,.;:?'()%-/=19*_`[]<>#@!&\n|~\"é·+\\"


def test_lines_of_words_are_read_as_the_parser_reads_them():
    chosen = random.Random(5)
    texts = [
        "",
        "Stop",
        "a ",
        "\r\na",
        "1. a",
        "1.",
        "a\n\n\nb\nc",
        "a\n---",
        "**a b** `c d`, [e f](https://g.example)!",
    ]
    for _ in range(150):
        lines = [" ".join(chosen.choices(WORDS.split(), k=chosen.randint(0, 4))) for _ in range(chosen.randint(1, 3))]
        fence = chosen.choice(CODE[:4])
        code = [fence, *chosen.choices(CODE[4:], k=chosen.randint(0, 3)), fence.removesuffix("py")]
        texts += ["\n".join(lines), "".join(chosen.choices(SIGNS, k=chosen.randint(1, 10)))]
        texts += ["\n".join(code), "\n".join([*lines, *code]), "\n".join(chosen.choices(CODE, k=5))]
    home = "https://github.com/contoso/pump"
    for text in texts:
        assert markdown.markdown(text, 300, home, home) == as_html(text, 300, home, home) if text else True, text
        assert markdown.plain(text, 200) == one_line(as_html(text, 600, "", "").striptags(), 200), text
    assert len(texts) / 5 < sum(bool(html_of(text, home)) for text in texts) < len(texts) / 2, "both ways are tried"


PARTS = r"""
    https:// http:// HTTPS:// // a.example / ? # @ : 80 [ ] ::1 < " é mailto: javascript: x \ % _ ~ arn:aws:
    /subscriptions/ projects/ B . 9 organizations/x/ - deadbeef 0123456789
"""


def test_addresses_and_names_are_read_as_expressions_read_them():
    chosen = random.Random(7)
    for _ in range(3000):
        text = "".join(chosen.choices([*PARTS.split(), " ", "\u200b", "\t", "\x7f", "\x00"], k=chosen.randint(0, 6)))
        assert safe_url(text) == thoroughly_safe(text.strip()), text
        assert (
            in_words(text)
            == one_line(re.sub(r"[_.:/-]+", " ", re.sub("(?<=[a-z0-9])(?=[A-Z])", " ", text)), 80).lower()
        )
        whole = " ".join(visible(printable(text)).split())
        assert one_line(text, 12) == shorten(whole, 12), text


def thoroughly_safe(url):
    if re.search(r"[\s\x00-\x1f\x7f<>\"]", url) or has_invisible(url):
        return ""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    is_safe = parts.path if parts.scheme == "mailto" else parts.netloc and parts.scheme in ("http", "https")
    return url if is_safe else ""


@pytest.mark.parametrize("text", ["a\u200bb", "\u3164", "a\xa0b", "a\u2028b", "a\x85b", "a\tb", "é" + "\u0301" * 9])
def test_what_is_not_seen_in_a_line_is_left_to_the_parser(text):
    assert html_of(text, "") == words_of(text) == ""
