"""The tables of docs/templates.md: what a template sees, filters, and the parts of a card."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from inspect import getdoc

from jinja2 import DictLoader

from bridge.events import Event
from bridge.files import ROOT
from bridge.rendering.environment import environment
from bridge.rendering.filters import FILTERS
from bridge.rendering.template_context import Limits, template_context
from bridge.sources import SOURCES
from tools.samples import event

SAMPLE = SOURCES["github"].samples / "pull_request.closed.json"
_LIMITS = Limits(text=1200, rows=10)
_MARKS = "<!-- tables: written by `make docs` -->", "<!-- end of tables -->"
_EXAMPLES = {
    "between": "{{ time('pull_request.created_at')|between(time('pull_request.merged_at')) }}",
    "clock": "{{ event.occurred|clock }}",
    "count": "{{ 12400|count }}",
    "date": "{{ time('pull_request.merged_at')|date }}",
    "duration": "{{ 250|duration }}",
    "done": "{{ 'AddDetails'|done }}",
    "in_words": "{{ 'review_requested'|in_words }}",
    "joints": "{{ 'client_CountryOrRegion'|joints }}",
    "is_hash": "{{ field('pull_request.merge_commit_sha')|is_hash }}",
    "is_id": "{{ field('pull_request.merge_commit_sha')|is_id }}",
    "markdown": "{{ '**Dry** run'|markdown(limits.text) }}",
    "one_line": "{{ event.title|one_line(20) }}",
    "plain": "{{ field('pull_request.body')|plain(40) }}",
    "plural": "{{ field('pull_request.commits', 0)|plural('commit') }}",
    "safe_links": "{{ [('Open it', event.url), ('Open it', 'ftp://x')]|safe_links|map('first')|join }}",
    "safe_url": "{{ event.url|safe_url }}",
    "short_url": "{{ event.url|short_url }}",
    "topic": "{{ event.title|topic(event.scope) }}",
    "upper_first": "{{ action|upper_first }}",
    "level": "{{ [('Priority', 'P1')]|level('error', 'firing') }}",
    "without_subject": "{{ 'PumpDown is firing for pump-07'|without_subject(['PumpDown']) }}",
    "with_host": "{{ 'contoso.com'|with_host('https://evil.example/login') }}",
    "shorten": "{{ field('pull_request.body')|shorten(40) }}",
}
_MACRO = re.compile(r"(?:\{#-((?:(?!#\}).)*)-#\}\n)?\{% macro (\w+\(.*?\)) -?%\}", re.DOTALL)
_LINE = re.compile(r"^(\w+): (.+(?:\n +.+)*)", re.MULTILINE)


def tables() -> str:
    """All tables, as Markdown. A cell is empty if the code has no description."""
    context = template_context(event(SOURCES["github"], SAMPLE), _LIMITS, "", "")
    parts = [
        ("What a template sees", ("name", "meaning"), named(template_context, context)),
        ("Fields of `event`", ("name", "meaning"), named(Event, (one.name for one in fields(Event)))),
        ("Filters", ("filter", "meaning", "example", "gives"), _filters()),
        ("Parts of a card", ("part", "meaning"), _parts()),
    ]
    return "\n".join(f"### {title}\n\n{table(head, rows)}" for title, head, rows in parts)


def with_tables(text: str) -> str:
    """The page with its tables up to date."""
    before, _, rest = text.partition(_MARKS[0])
    _, _, after = rest.partition(_MARKS[1])
    return f"{before}{_MARKS[0]}\n\n{tables()}\n{_MARKS[1]}{after}"


def named(described: object, names: Iterable[str]) -> Iterator[Sequence[str]]:
    """The names with their meanings, which the docstring has in lines of `name: meaning`."""
    meanings = dict(_LINE.findall(getdoc(described) or ""))
    return ((f"`{name}`", sentence(meanings.get(name, ""))) for name in names)


def _filters() -> Iterator[Sequence[str]]:
    sandbox = environment(DictLoader({}))
    context = template_context(event(SOURCES["github"], SAMPLE), _LIMITS, "", "")
    for name, function in sorted(FILTERS.items()):
        first = re.split(r"(?<=[.])\s", " ".join((getdoc(function) or "").split()))[0]
        example = _EXAMPLES.get(name, "")
        gives = sandbox.from_string(example).render(context)
        yield f"`{name}`", sentence(first), _code(example), _code(gives)


def _parts() -> Iterator[Sequence[str]]:
    for comment, part in _MACRO.findall((ROOT / "templates/parts.html").read_text("utf-8")):
        yield f"`{part}`", re.sub(r"(\{%.*%\})", r"`\1`", sentence(comment))


def sentence(text: str) -> str:
    """The text on one line, beginning with a capital letter, without a full stop."""
    text = " ".join(text.split()).removesuffix(".")
    return text[:1].upper() + text[1:]


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table as Markdown, each row a line."""
    lines = (" | ".join(cell.replace("|", r"\|") for cell in row) for row in (head, ["---"] * len(head), *rows))
    return "".join(f"| {line} |\n" for line in lines)
