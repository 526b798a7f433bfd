"""No text of a stranger costs more than its length: the time grows with it, for every text of every payload.

`make fuzz` tries more and longer texts, all samples, and others of their texts.
"""

import itertools
import json
import re
import time
from functools import partial

import pytest

from bridge.events import Webhook
from bridge.graph.threads import _text
from bridge.rendering import text as texts
from bridge.rendering.expressions import _search
from bridge.rendering.filters import FILTERS
from bridge.rendering.links import real_host
from bridge.sources import SOURCES, kit, reading
from bridge.sources.azure_devops import messages, names
from bridge.sources.bitbucket.texts import markdown_of
from bridge.sources.jira import document, wiki
from tests.amounts import FUZZ, one_in
from tests.test_attacks import RECEIVER, SAMPLES

pytestmark = pytest.mark.wide

# What makes an expression, a parser or a loop slow: the beginning of something, again and again, and never its end.
HOSTILE = [
    "a", " ", "\t\n", "<", ">", "<a ", '<a href="https://a.example/', "<!--", "<li>", "<em>", "</p>", "&#x",
    "&lt;a&gt;", "[", "![", "[a](", "[]()", "[^", "[x]: y\n", "(", "(a ", "{{", "{{a", "{code:", "{code}x{noformat}",
    "{color:", "{quote}", "{panel:title=", "*a ", "_a ", "+a ", "-a ", "??a ", "^a ", "~~a ", "`", "`a ", "```\n",
    "|", "a|b\n-|-\n", "|a|b|\n", "> ", "- ", "* a\n", "***** a\n", "1. ", "#1 ", "@a ", "@<", "@{a", "a@", "a@b.c ",
    "a.", "a-", "_", "-", ".", "/", "a/", "a:", "http://", "http://a ", "www.a.b/", "https://a.example/(", "!a",
    "!a.png|", "h1. ", "\\", "\\n", '"', "0", "1,", "1.", "-1e", "0a", "abc123f ", "2026-01-01T00:00 ", "[a] ", "[a",
    "has ", "Build a ", " pull request 1 (a", "a) in ", "var='a' labels={", "arn:aws:", "/subscriptions/a",
    "/issues/", "refs/heads/", "=\n", "a\u0300", "\u200d", "\u202e", "\U0001f468\u200d", "\ud800", "A", "aA",
    "\u00e9", "\u2028", "\ue000", "Microsoft.TeamFoundation.", 'data-atlassian-id="a"',
    '<a href="https://a"href="https://b"', " <@", ":  ", "(  ", "<a.b@", "con.com ", "//a@",
]  # fmt: skip
MOST = 2.6  # times the time for twice the text; what is linear takes twice
LONGEST = 60_000 if FUZZ else 12_000
FLOOR = 0.25 if FUZZ else 0.1  # seconds of the process: what takes less is not judged
IS_WORD = re.compile(r"[\w.:-]{0,40}")


def seconds(function, *arguments):
    start = time.process_time()
    function(*arguments)
    return time.process_time() - start


def grows(function, make, most, floor):
    """Whether the time of what is not quick grows faster than the text, at the first length at which it can be said.

    Two doublings in a row must say so: a template that tries again with less takes a step, once.
    """
    for length in (most // 8, most):
        longest = make(length)
        if all(seconds(function, longest) >= floor for _ in range(2)):
            texts = [make(length // 4), make(length // 2), longest]
            # The shortest of several, as others use the machine, too; in turns, as it may become slower.
            quarter, half, whole = map(
                min, zip(*(map(partial(seconds, function), texts) for _ in range(3)), strict=True)
            )
            return half > MOST * max(quarter, floor / 16) and whole > MOST * half
    return False


def filled(filler, length):
    return (filler * (length // len(filler) + 1))[:length]


def adf(text):
    runs = [{"type": "text", "text": text, "marks": [{"type": "link", "attrs": {"href": text}}]}]
    return {"content": [{"type": "paragraph", "content": runs}, {"type": "codeBlock", "content": runs}]}


FUNCTIONS = {
    **{name: FILTERS[name] for name in ("date", "in_words", "is_id", "joints", "safe_url", "short_url")},
    "markdown": lambda text: FILTERS["markdown"](text, 1200, "https://a.example/7", "https://github.com/a/b"),
    "plain": lambda text: FILTERS["plain"](text, 300),
    "one_line": lambda text: texts.one_line(text, 200),
    "shorten": lambda text: texts.shorten(text, 200),
    "printable": texts.printable,
    "visible": texts.visible,
    "last_part": texts.last_part,
    "real_host": lambda text: real_host(text, "https://a.example"),
    "search": lambda text: _search(text, r"\s*(\w+)\s*(\w+)\s*$"),
    "first_line": kit.first_line,
    "remark": lambda text: kit.remark(text, text),
    "names_by_id": lambda text: kit.names_by_id({"id": text, "displayName": text}, "id"),
    "reading.normal": reading.in_words,
    "jira.wiki": lambda text: wiki.markdown(text, {"a": text}),
    "jira.document": lambda text: document.markdown(adf(text), {"a": text}),
    "azure_devops.line": lambda text: messages.line({"message": {"markdown": text}}),
    "azure_devops.sentence": lambda text: messages.sentence({"message": {"text": text}}),
    "azure_devops.text": lambda text: messages.text({"detailedMessage": {"markdown": text}}),
    "azure_devops.link": lambda text: messages.link({"message": dict.fromkeys(("html", "markdown", "text"), text)}),
    "azure_devops.readable": messages.readable,
    "azure_devops.person": names.person,
    "azure_devops.branch": names.branch,
    "azure_devops.repository_url": lambda text: names.repository_url({"webUrl": text}),
    "bitbucket.markdown_of": lambda text: markdown_of({"a": {"raw": text, "html": text}}, "a"),
    "graph.text_of_post": lambda text: _text({"body": {"content": text}}),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_cost_of_a_text_grows_with_its_length(name):
    slow = [
        filler
        for filler in one_in(5, HOSTILE, len(name))
        if grows(FUNCTIONS[name], lambda length, filler=filler: filled(filler, length), LONGEST, FLOOR)
    ]
    assert slow == []


def leaves(value, path=()):
    """Every text with its path."""
    if isinstance(value, dict | list):
        for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(inner, (*path, name))
    elif isinstance(value, str):
        yield path, value


def spoiled(value, chosen, hostile, path=()):
    """A copy with another text in the place of those whose paths are chosen."""
    if isinstance(value, dict):
        return {name: spoiled(inner, chosen, hostile, (*path, name)) for name, inner in value.items()}
    if isinstance(value, list):
        return [spoiled(inner, chosen, hostile, (*path, place)) for place, inner in enumerate(value)]
    return hostile(value) if path in chosen else value


FORMS = (lambda text: lambda _: text, lambda text: lambda was: was + text, lambda text: lambda was: text + was)


def choices(payload):
    """Which texts are replaced at once: all, and all but those (or half of those) that may say what the event is."""
    paths = dict(leaves(payload))
    words = [path for path, text in paths.items() if IS_WORD.fullmatch(text)]
    prose = paths.keys() - set(words)
    return (prose | set(words[::2]), prose | set(words[1::2]), prose, set(paths))


@pytest.mark.parametrize("name", SOURCES)
def test_the_cost_of_a_webhook_grows_with_its_texts(name):
    """Each of its samples in turn with others of the hostile texts."""
    tries = itertools.cycle((filler, form) for filler, form in zip(HOSTILE * 3, FORMS * len(HOSTILE), strict=True))
    slow = []
    samples = list(enumerate(sample for sample in SAMPLES if sample[0] == name))
    for number, (_, event, payload) in one_in(7, samples, len(name)):
        for chosen in one_in(4, choices(payload), number):
            for filler, form in itertools.islice(tries, 2 if FUZZ else 1):

                def webhook(length, chosen=chosen, filler=filler, form=form, payload=payload, event=event):
                    text = spoiled(payload, chosen, form(filled(filler, length)))
                    return Webhook(SOURCES[name].headers(event, "d"), json.dumps(text).encode())

                def receive(webhook):
                    assert RECEIVER.receive(name, webhook).status < 500

                if grows(receive, webhook, 8_000 if FUZZ else 6_000, 0.15):
                    slow.append((event, filler, min(chosen, key=str)))
    assert slow == []
