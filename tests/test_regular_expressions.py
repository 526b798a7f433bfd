"""No regular expression takes longer than its text: those of the code and of the built-in forms are read and judged."""

import functools
import re
import tomllib

import pytest

from tests.local_stack import ROOT
from tests.regular_expressions import Pattern, faults, patterns

pytestmark = pytest.mark.files

# Why each of these is quick all the same, or why nobody can make it slow; by its file, and a part of it.
JUSTIFIED = {
    ("bridge/rendering/measures.py", r"([^\d\s.,]{0,12})"): "of a value of 40 characters",
    ("bridge/rendering/measures.py", "(.*?)"): "of a condition of 2,000 characters",
    ("bridge/sources/aws_sns/alarms.py", "\\d\\d/"): "of 1,000 characters between brackets",
    ("bridge/cli/connectors.py", "receiver|title"): "it reads files of the person who runs the command",
    ("bridge/cli/connectors.py", r"\[{1,2}"): "it reads files of the person who runs the command",
    ("bridge/cli/connectors.py", "jobs/("): "it reads files of the person who runs the command",
    ("bridge/local/learning/trial.py", "display:none"): "it reads a card, in which a text has no tags of its own",
    ("bridge/settings/conversions.py", "(\\*\\.)?"): "it reads settings",
    ("bridge/rendering/picture_marks.py", "<!--"): "it reads a card, in which a text has no comments of its own",
    ("bridge/publishing/stories.py", "<!--headline-->"): "it reads a card, in which a text has no comments of its own",
    ("bridge/sources/card_titles.py", "(?:is|are|was"): "of one line of 300 characters",
    ("bridge/sources/markups.py", r"(?P<fence>.*?)(?:```|\Z)"): "what is left open runs to the end, and is found once",
    ("bridge/configuration/groups.py", r"[^<>@\s]+@[^<>@\s]+"): "it matches settings, which no stranger can write",
    ("bridge/people.py", "[A-Za-z0-9._-]*"): "it matches whole handles, of which it tries each end once",
    ("bridge/sources/form.py", r"{([^}=]+)}"): "it reads settings",
    ("bridge/local/curl.py", r"{(.*?)}"): "it reads settings",
    ("bridge/settings/toml_lines.py", "(\\[\\[?)"): "it reads settings",
    ("bridge/settings/toml_lines.py", r"*)\s*="): "it reads settings",
    ("bridge/verification/signatures.py", r"{(.*?)}"): "it reads settings",
    ("bridge/local/fake_graph/text.py", r"|\Z)|<[^<>]*>"): "what is left open runs to the end, and is found once",
    ("bridge/local/fake_graph/types.py", r"(?:[\w-]+\.)*"): "the parts of a host end with dots, which they do not have",
    ("bridge/rendering/markdown_html.py", "(?P<fence>"): "what is left open runs to the end, and is found once",
    ("bridge/rendering/references.py", "(?P<site>"): "no match begins behind what is within another; short texts",
    ("bridge/rendering/markdown_lines.py", "(?P<loud>"): "of 2,000 characters, and it ends where it could begin again",
    ("bridge/sources/alert_values.py", "var='"): "the text is cut to 5,000 characters",
    ("bridge/sources/azure_devops/code.py", "checked in changeset"): "of one line, of which the end is all the rest",
    ("bridge/sources/azure_devops/pulls.py", r"\(.*\) in .+"): "of one line, of which the end is all the rest",
    ("bridge/sources/azure_devops/work_items.py", " by (.{1,200}?)"): "of a line of 20,000 characters, 200 at its end",
    ("bridge/sources/jira/wiki.py", r"(.*?)(?:\{\1\}|\Z)"): "what is left open runs to the end, and is found once",
    ("bridge/sources/jira/wiki.py", r"(?:(?!\{\{).)+?"): "it ends where it could begin again",
    ("bridge/sources/jira/wiki.py", "(?:(?!0)"): "it ends where it could begin again",
}  # fmt: skip
# Of these a part is not known: what is filled in, and why it repeats nothing.
UNKNOWN = {
    ("bridge/cli/connectors.py", "0"): "hosts from a table beside it",
    ("bridge/sources/card_titles.py", "(?:0)"): "times and counts from a table beside it, of 300 characters",
    ("bridge/sources/markups.py", "(?=[^\\s0])"): "the mark of an emphasis, escaped",
    ("bridge/graph/threads.py", "(?![\\w-])"): "a reference, escaped",
    ("bridge/people.py", "[A-Za-z0-9._-]*"): "what stands around the star of a setting, escaped",
    ("bridge/receiving/records.py", "0"): "the secrets of the settings, escaped",
    (
        "bridge/rendering/jinja_errors.py",
        "0",
    ): "sentences of Jinja from a table beside it",
    (
        "bridge/rendering/expressions.py",
        "0",
    ): "of a form: judged below, or an administrator's own",
    ("bridge/sources/azure_devops/code.py", " pushed "): "names, escaped",
    ("bridge/sources/azure_devops/code.py", "checked in changeset"): "a number",
    ("bridge/sources/jira/wiki.py", "(?:(?!0)"): "the mark of an emphasis, escaped",
    ("bridge/verification/entra_tokens.py", "0"): "an address of the settings, escaped",
    ("bridge/verification/sns_certificates.py", "https://"): "hosts of the settings' topics, escaped",
    ("bridge/sources/reading_names.py", "0"): "words from a table beside it",
}


@functools.cache
def of_the_code():
    return patterns(ROOT, "bridge")


def justification(pattern, table):
    return next((key for key in table if key[0] == pattern.file and key[1] in pattern.text), None)


def test_every_expression_of_the_code_is_quick():
    slow = {pattern: found for pattern in of_the_code() if (found := faults(pattern))}
    assert {p: f for p, f in slow.items() if not justification(p, JUSTIFIED)} == {}
    assert {justification(pattern, JUSTIFIED) for pattern in slow} == JUSTIFIED.keys(), "a justification is left over"


def test_every_expression_of_the_code_is_known():
    unknown = [pattern for pattern in of_the_code() if not pattern.is_whole]
    assert [pattern for pattern in unknown if not justification(pattern, UNKNOWN)] == []
    assert {justification(pattern, UNKNOWN) for pattern in unknown} == UNKNOWN.keys(), "a justification is left over"
    assert len(of_the_code()) > 150


def test_no_expression_of_a_built_in_form_repeats_a_repeat():
    """The filter `search` looks at the first 2,000 characters only: what is quadratic is quick there."""
    texts = [
        text
        for path in ROOT.glob("bridge/sources/*/preset.toml")
        for value in strings(tomllib.loads(path.read_text()))
        for _, text in re.findall(r"""search\((["'])(.*?)\1\)""", value)
    ]
    assert len(texts) > 10
    searched = [Pattern("", 0, text.encode().decode("unicode_escape"), 0, frozenset({"search"})) for text in texts]
    assert [pattern for pattern in searched if "a repeat within a repeat" in faults(pattern)] == []


def strings(value):
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from strings(inner)
    elif isinstance(value, str):
        yield value


@pytest.mark.parametrize(
    ("text", "method", "fault"),
    [
        (r"(a+)+b", "match", "a repeat within a repeat"),
        (r"(?:a|a+b?)*c", "match", "a repeat within a repeat"),
        (r"\s*\s*$", "match", "two repeats beside each other"),
        (r"(.*)x(.*)y", "match", "two repeats beside each other"),
        (r"[a-z.]+(\.[a-z-]+)+", "fullmatch", "two repeats beside each other"),
        (r"\w+\d+", "fullmatch", "two repeats beside each other"),
        (r"\s*<x>", "search", "a search that runs over its own beginnings"),
        (r"<[^>]*>", "sub", "a search that runs over its own beginnings"),
        (r"\{\{(.+?)\}\}", "sub", "a search that runs over its own beginnings"),
        (r"(?:a|b[^c]*)d", "search", "a search that runs over its own beginnings"),
        (r"(?<!x)\s*y", "search", "a search that runs over its own beginnings"),
    ],
)
def test_what_is_slow_is_found(text, method, fault):
    assert fault in faults(Pattern("", 0, text, 0, frozenset({method})))


@pytest.mark.parametrize(
    ("text", "method"),
    [
        (r"(?:\.\w+)*x", "match"),
        (r"<[^<>]*>", "sub"),
        (r'claims="([^"]+)"', "search"),
        (r"(?<!\s)\s*y", "search"),
        (r"^ *x", "search"),
        (r"\s*<x>", "match"),
        (r"\d+", "search"),
        (r"(?<=://)[^/@]*@", "sub"),
        (r"a{1,9}b{1,9}a{1,9}c", "search"),
        (r"[a-z-]+(\.[a-z-]+)+", "fullmatch"),
    ],
)
def test_what_is_quick_passes(text, method):
    assert faults(Pattern("", 0, text, 0, frozenset({method}))) == []
