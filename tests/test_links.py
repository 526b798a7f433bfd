"""A link never pretends: where its text looks like the address of another place, it says where it leads."""

import json
import unicodedata

import pytest
from markupsafe import Markup

from bridge.events import Webhook
from bridge.rendering.filters import with_host
from bridge.rendering.links import real_host, safe_url, short_url
from bridge.rendering.markdown import markdown
from bridge.sources.azure_devops import messages
from bridge.sources.jira import document, wiki
from tests.look import parse
from tests.test_attacks import RECEIVER

EVIL = "https://evil.example/login"


@pytest.mark.parametrize(
    ("text", "url", "real"),
    [
        ("contoso.com", EVIL, "evil.example"),
        ("CONTOSO.com/login?x=1", EVIL, "evil.example"),
        ("https://contoso.com", EVIL, "evil.example"),
        ("http:\\\\contoso.com", EVIL, "evil.example"),
        ("//contoso", EVIL, "evil.example"),
        ("www.contoso", EVIL, "evil.example"),
        ("“contoso.com”.", EVIL, "evil.example"),
        ("Sign in at https://contoso.com/", EVIL, "evil.example"),
        ("Sign in at contoso.com now", EVIL, "evil.example"),
        ("Sign in at contoso.de", EVIL, "evil.example"),
        ("contoso.technology", EVIL, "evil.example"),
        ("security@contoso.com", "mailto:mallory@evil.example", "evil.example"),
        ("security@contoso.com", EVIL, "evil.example"),
        ("https://github.com@evil.example/", "https://github.com@evil.example/", "evil.example"),
        ("github.com", "https://github.com:443@evil.example/", "evil.example"),
        ("contoso.com", "https://contoso.com.evil.example/", "contoso.com.evil.example"),
        ("contoso.com", "https://notcontoso.com/", "notcontoso.com"),
        ("contoso.com", "https://EVIL.example.:8443/", "evil.example"),
        ("https://contoso.com.aa…", f"https://contoso.com.{'a' * 60}.evil.example/", f"…{'a' * 45}.evil.example"),
        ("https://g\u0456thub.com/login", "https://g\u0456thub.com/login", "xn--gthub-n2e.com"),
        ("https://g\u0456thub.com/login", "https://xn--gthub-n2e.com/login", "xn--gthub-n2e.com"),
        ("contoso.md", EVIL, "evil.example"),
        ("https://10.0.0.5/", EVIL, "evil.example"),
    ],
)
def test_a_text_that_pretends_is_found(text: str, url: str, real: str) -> None:
    assert real_host(text, url) == real


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("contoso.com", "https://contoso.com/x"),
        ("contoso.com", "https://www.contoso.com/x"),
        ("https://www.contoso.com/x", "https://contoso.com/x"),
        ("contoso.com", "https://login.contoso.com"),
        ("login.contoso.com:8443/x", "https://contoso.com"),
        ("mona@contoso.com", "mailto:mona@contoso.com"),
        ("mona@contoso.com", "mailto:mona%40contoso.com?subject=x"),
        ("münchen.example", "https://xn--mnchen-3ya.example/"),
        ("пример.рф", "https://xn--e1afmkfd.xn--p1ai/"),
        ("README.md", "https://github.com/contoso/pump/blob/main/README.md"),
        ("src/main.py", "https://github.com/contoso/pump/blob/main/src/main.py#L3"),
        ("package-lock.json", EVIL),
        ("v1.2.3", EVIL),
        ("10.0.0.5:9100", EVIL),
        ("@contoso", "https://github.com/contoso"),
        ("@types/node", EVIL),
        ("contoso/valves#7", "https://github.com/contoso/valves/issues/7"),
        ("String.prototype.replace is slow", EVIL),
        ("e.g. this", EVIL),
        ("the manual", EVIL),
        ("…", EVIL),
        ("", EVIL),
        ("contoso.com", "not an address"),
        ("contoso.com", "https://[x"),
    ],
)  # fmt: skip
def test_a_text_that_is_honest_is_left_alone(text: str, url: str) -> None:
    assert real_host(text, url) == ""


@pytest.mark.parametrize(
    "text",
    [
        "[contoso.com](https://evil.example/x)",
        "[**contoso**.com](https://evil.example/x)",
        "[`contoso.com`](https://evil.example/x)",
        "[contoso\u200b.com](https://evil.example/x)",
        "[contoso&#8203;.com](https://evil.example/x)",
        "[contoso&#46;com](https://evil.example/x)",
        "[contoso.com][1]\n\n[1]: https://evil.example/x",
        "<a href='https://evil.example/x'>contoso.com</a>",
        "<a href='https://evil.example/x'>con<i></i>toso.com</a>",
        "![contoso.com](https://evil.example/x)",
        "[![contoso.com](https://contoso.com/a.png)](https://evil.example/x)",
        wiki.markdown("[contoso.com|https://evil.example/x]", {}),
        messages.readable('<p>see <a href="https://evil.example/x">contoso.com</a></p>'),
        document.markdown(
            {
                "content": [
                    {
                        "type": "paragraph",
                        "content": [
                            {
                                "type": "text",
                                "text": "contoso.com",
                                "marks": [{"type": "link", "attrs": {"href": "https://evil.example/x"}}],
                            }
                        ],
                    }
                ]
            },
            {},
        ),
    ],
)
def test_a_link_in_a_text_shows_its_real_host(text: str) -> None:
    links = [node for node in parse(markdown(text, 1000)).walk() if node.tag == "a"]
    assert [(link.text, link.attributes["href"]) for link in links] == [
        ("contoso.com → evil.example", "https://evil.example/x")
    ]


def test_an_autolink_with_a_user_name_shows_its_real_host() -> None:
    for text in ("https://github.com@evil.example/", "<https://github.com@evil.example/>"):
        assert parse(markdown(text, 1000)).text == "https://github.com@evil.example/ → evil.example"


def test_a_title_that_is_an_address_shows_where_it_leads() -> None:
    issue = {"number": 1, "title": "contoso.com", "html_url": "https://evil.example/1", "user": {"login": "mona"}}
    payload = {"action": "opened", "issue": issue, "repository": {"id": 5, "full_name": "contoso/pump"}}
    (entry,) = RECEIVER.receive("github", Webhook({"X-GitHub-Event": "issues"}, json.dumps(payload).encode())).entries
    links = [node.text for node in parse(entry.html).walk() if node.tag == "a"]
    assert any("contoso.com" in text and text.endswith(" → evil.example") for text in links), links


@pytest.mark.parametrize(
    "title",
    ["README.md #12", "#12 main.py fails", "socket.io crashes", "See contoso.com", "Fix https://contoso.com #1"],
)
def test_a_title_that_only_names_something_is_left_alone(title: str) -> None:
    assert with_host(title, "https://github.com/contoso/pump/issues/12") == title


@pytest.mark.parametrize(
    "title", ["contoso.com", "#12 contoso.com", "contoso.com/login !3", "https://contoso.com is down"]
)
def test_a_title_that_is_an_address_shows_where_it_leads_whatever_its_number(title: str) -> None:
    assert with_host(title, EVIL) == f"{title} → evil.example"


def test_what_a_template_adds_to_a_text_is_escaped() -> None:
    host = real_host("contoso.com", "https://a&b.example/")
    assert with_host("contoso.com", "https://a&b.example/") == f"contoso.com → {host}"
    assert with_host(Markup("<b>contoso.com</b>"), "https://a&b.example/") == Markup(
        f"<b>contoso.com</b> → {host.replace('&', '&amp;')}"
    )


def test_a_short_url_shows_whose_host_it_is() -> None:
    long = f"https://contoso.com.{'a' * 80}.evil.example/x"
    assert short_url(long).partition("/")[0].endswith(".evil.example…")
    assert short_url("https://github.com@evil.example/x") == "evil.example/x"
    assert short_url("https://www.contoso.com/a/") == "contoso.com/a"


@pytest.mark.parametrize("mark", ["\u200b", "\u202e", "\u2066", "\U000e0041", "\xad", "\ufe0f", "\u200d"])
def test_an_address_with_what_is_not_seen_is_no_address(mark: str) -> None:
    assert unicodedata.category(mark) in {"Cf", "Mn"}
    assert safe_url(f"https://con{mark}toso.com/") == ""
