"""The tables of docs/templates.md, from the code that they tell of: `make docs` writes them anew."""

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from inspect import getdoc
from pathlib import Path

from jinja2 import DictLoader

from bridge.events import Event, Webhook
from bridge.rendering.filters import FILTERS
from bridge.rendering.renderer import ROOT, Limits, environment, template_context
from bridge.sources import SOURCES
from bridge.sources.base import Ignored

SAMPLE = SOURCES["github"].samples / "pull_request.closed.json"
_LIMITS = Limits(text=1200, rows=10)
_MARKS = "<!-- tables: written by `make docs` -->", "<!-- end of tables -->"
_EXAMPLES = {
    "between": "{{ time('pull_request.created_at')|between(time('pull_request.merged_at')) }}",
    "clock": "{{ event.occurred|clock }}",
    "count": "{{ 12400|count }}",
    "date": "{{ time('pull_request.merged_at')|date }}",
    "duration": "{{ 250|duration }}",
    "in_words": "{{ 'review_requested'|in_words }}",
    "is_id": "{{ field('pull_request.merge_commit_sha')|is_id }}",
    "markdown": "{{ '**Dry** run'|markdown(limits.text) }}",
    "one_line": "{{ event.title|one_line(20) }}",
    "plain": "{{ field('pull_request.body')|plain(40) }}",
    "plural": "{{ field('pull_request.commits', 0)|plural('commit') }}",
    "safe_url": "{{ event.url|safe_url }}",
    "short_url": "{{ event.url|short_url }}",
    "upper_first": "{{ action|upper_first }}",
    "shorten": "{{ field('pull_request.body')|shorten(40) }}",
}
_MACRO = re.compile(r"(?:\{#-((?:(?!#\}).)*)-#\}\n)?\{% macro (\w+\(.*?\)) -?%\}", re.DOTALL)
_LINE = re.compile(r"^(\w+): (.+(?:\n +.+)*)", re.MULTILINE)


def tables() -> str:
    """All tables, as Markdown. What the code says nothing of has an empty cell."""
    told = template_context(_event(), _LIMITS, "", "")
    parts = [
        ("What a template sees", ("name", "meaning"), _named(template_context, told)),
        ("Fields of `event`", ("name", "meaning"), _named(Event, (one.name for one in fields(Event)))),
        ("Filters", ("filter", "meaning", "example", "gives"), _filters()),
        ("Parts of a card", ("part", "meaning"), _parts()),
    ]
    return "\n".join(f"### {title}\n\n{_table(head, rows)}" for title, head, rows in parts)


def with_tables(text: str) -> str:
    """The document with its tables as they are now."""
    before, _, rest = text.partition(_MARKS[0])
    _, _, after = rest.partition(_MARKS[1])
    return f"{before}{_MARKS[0]}\n\n{tables()}\n{_MARKS[1]}{after}"


def _named(described: object, names: Iterable[str]) -> Iterator[Sequence[str]]:
    """Names with what the docstring says of them, in lines of `name: meaning`."""
    meanings = dict(_LINE.findall(getdoc(described) or ""))
    return ((f"`{name}`", _sentence(meanings.get(name, ""))) for name in names)


def _filters() -> Iterator[Sequence[str]]:
    sandbox = environment(DictLoader({}))
    context = template_context(_event(), _LIMITS, "", "")
    for name, function in sorted(FILTERS.items()):
        sentence = re.split(r"(?<=[.])\s", " ".join((getdoc(function) or "").split()))[0]
        example = _EXAMPLES.get(name, "")
        gives = sandbox.from_string(example).render(context)
        yield f"`{name}`", _sentence(sentence), _code(example), _code(gives)


def _parts() -> Iterator[Sequence[str]]:
    for comment, part in _MACRO.findall((ROOT / "templates/parts.html").read_text("utf-8")):
        yield f"`{part}`", re.sub(r"(\{%.*%\})", r"`\1`", _sentence(comment))


def _event() -> Event:
    source = SOURCES["github"]
    events = source.read(Webhook(source.headers("pull_request", "sample"), SAMPLE.read_bytes()))
    if isinstance(events, Ignored):
        raise TypeError(f"{SAMPLE} makes no event")
    return events[0]


def _sentence(text: str) -> str:
    text = " ".join(text.split()).removesuffix(".")
    return text[:1].upper() + text[1:]


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = (" | ".join(cell.replace("|", r"\|") for cell in row) for row in (head, ["---"] * len(head), *rows))
    return "".join(f"| {line} |\n" for line in lines)


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(with_tables(path.read_text("utf-8")), "utf-8")
