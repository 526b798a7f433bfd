"""The tables of docs/templates.md, from the code that they tell of: `make docs` writes them anew."""

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from inspect import getdoc
from pathlib import Path

from bridge.events import Event
from bridge.markup import FILTERS
from bridge.rendering import TEMPLATES, Limits, seen

_MARKS = "<!-- tables: written by `make docs` -->", "<!-- end of tables -->"
_NAMES = {
    "event": "What the source understood; its fields are below",
    "payload": "The whole payload, as the service sent it",
    "field": "`field('pull_request.user.login')`: the text at a path, or an empty one; `field(path, 0)` a number, "
    "`field(path, false)` a truth",
    "rows": "`rows('commits')`: the objects of the list at a path, or none",
    "time": "`time('release.published_at')`: the time at a path, for the filters `clock`, `date` and `between`",
    "action": "What stands in the kind after its first dot: `opened`",
    "limits": "How much to show: `limits.text` characters of a text, `limits.rows` rows of a list; less is tried when "
    "the post would be too big",
    "boundary": "What parts the blocks; `layout.html` writes it",
    "footer": "The line with source, time and reference, by which a post is found again; `layout.html` writes it",
}
_FIELDS = {
    "source": "Name of the source: `github`",
    "kind": "The service's own name for it, dotted: `pull_request.opened`",
    "delivery": "The sender's id of the delivery",
    "thread": "What the conversation is about",
    "title": "What it is about, for people",
    "payload": "As `payload`",
    "severity": "`success`, `info`, `warning`, `error` or `critical`; compares by rank: `event.severity >= 'warning'`",
    "scope": "Repository, project, host",
    "summary": "The sentence that says what happened, where the source has one",
    "text": "The sender's words, as Markdown",
    "actor": "Who did it",
    "url": "Where it leads",
    "occurred": "When it happened, or nothing",
    "facts": "Pairs of name and value",
    "attributes": "What routes filter on: `event.attributes.branch`",
    "ends_thread": "Whether the next event of the thread begins a new one",
    "details": "What the source worked out for its own templates",
    "digest": "Stands for the delivery where its id is not signed",
}
_EXAMPLES = {
    "between": "{{ time('run.started_at')|between(time('run.updated_at')) }}",
    "clock": "{{ event.occurred|clock }}",
    "count": "{{ 12400|count }}",
    "date": "{{ time('milestone.due_on')|date }}",
    "duration": "{{ 250|duration }}",
    "is_id": "{{ value|is_id }}",
    "markdown": "{{ field('issue.body')|markdown(limits.text, event.url) }}",
    "one_line": "{{ event.title|one_line(80) }}",
    "plain": "{{ field('comment.body')|plain(80) }}",
    "plural": "{{ 3|plural('commit') }}",
    "safe_url": "{{ field('html_url')|safe_url }}",
    "short_url": "{{ event.url|short_url }}",
    "shorten": "{{ event.text|shorten(200) }}",
}
_MACRO = re.compile(r"(?:\{#-\s*((?:(?!#\}).)*?)\s*-#\}\n)?\{% macro (\w+)(\(.*?\)) -?%\}", re.DOTALL)


def tables() -> str:
    """All tables, as Markdown."""
    context = seen(Event("", "", "", "", "", {}), Limits(0, 0), "", "")
    parts = [
        ("What a template sees", ("name", "meaning"), ((f"`{name}`", _NAMES[name]) for name in context)),
        ("Fields of `event`", ("name", "meaning"), ((f"`{one.name}`", _FIELDS[one.name]) for one in fields(Event))),
        ("Filters", ("filter", "meaning", "example"), _filters()),
        ("Parts of a card", ("part", "meaning"), _parts()),
    ]
    return "\n".join(f"### {title}\n\n{_table(head, rows)}" for title, head, rows in parts)


def with_tables(text: str) -> str:
    """The document with its tables as they are now."""
    before, _, rest = text.partition(_MARKS[0])
    _, _, after = rest.partition(_MARKS[1])
    return f"{before}{_MARKS[0]}\n\n{tables()}\n{_MARKS[1]}{after}"


def _filters() -> Iterator[Sequence[str]]:
    for name, function in sorted(FILTERS.items()):
        sentence = re.split(r"(?<=[.])\s", " ".join((getdoc(function) or "").split()))[0].rstrip(".")
        yield f"`{name}`", sentence, f"`{_EXAMPLES[name]}`"


def _parts() -> Iterator[Sequence[str]]:
    for comment, name, arguments in _MACRO.findall((TEMPLATES / "parts.html").read_text("utf-8")):
        # What has no comment is for the other parts.
        if comment:
            yield f"`{name}{arguments}`", " ".join(comment.split()).rstrip(".")


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = (" | ".join(cell.replace("|", r"\|") for cell in row) for row in (head, ["---"] * len(head), *rows))
    return "".join(f"| {line} |\n" for line in lines)


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(with_tables(path.read_text("utf-8")), "utf-8")
