"""The shape of what is said of one kind of GitHub's events."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bridge.events import Severity
from bridge.fields import Payload, at, dig, first
from bridge.rendering.text import one_line
from bridge.sources.github.threads import object_of
from bridge.sources.github.words import MAX_TITLE, shown, times

Facts = tuple[tuple[str, str], ...]
Grade = Callable[[Payload], Severity]


def plain(_: Payload) -> Severity:
    """What is neither good nor bad, whatever the payload says."""
    return Severity.INFO


@dataclass(frozen=True)
class Kind:
    """What is said of one kind of event, beside the words of its template.

    title: the subject of its thread, the same over the thread's life.
    urls: paths of its link, best first.
    times: paths of when it happened, best first.
    severity: how much it matters.
    labels: the facts' names with the paths of their values.
    thing: where the object is whose `changes` an edit names; empty: they are not shown.
    """

    title: Callable[[Payload], str]
    urls: tuple[str, ...] = ()
    times: tuple[str, ...] = ()
    severity: Grade = plain
    labels: tuple[tuple[str, str], ...] = ()
    thing: str = ""

    def facts(self, payload: Payload) -> Facts:
        """What was changed and the facts that the payload has, as text."""
        changes = _changes(payload, self.thing)
        told = {label for label, _ in changes}
        found = ((label, shown(at(payload, path))) for label, path in self.labels if label not in told)
        return (*changes, *((label, _said(label, value)) for label, value in found if value))


# Facts whose values are GitHub's names for one of a few things, as `direct_member`.
_ENUMERATIONS = {"Enforcement", "Reason", "Role", "Trigger", "Type", "Place", "Repositories", "Forced pushes"}


def _said(label: str, value: str) -> str:
    if label not in _ENUMERATIONS:
        return value
    return (value.lower() if value.isupper() else value).replace("_", " ")


def _changes(payload: Payload, thing: str) -> Facts:
    """What an edit changed: `("Title", "Old → New")`. Long texts are left to the templates."""
    if not thing:
        return ()
    found = []
    for field in dig(payload, "changes", dict[str, Any]()):
        change = dig(payload, f"changes.{field}", dict[str, Any]())
        if field in _LONG or "from" not in change:
            continue
        before = shown(_name(change.get("from")))
        after = shown(_name(change["to"] if "to" in change else at(payload, f"{thing}.{field}")))
        if (before or "no") != (after or "no"):
            name = dig(change, "field_name") or field.replace("_", " ").capitalize()
            found.append((name, f"{before or 'nothing'} → {after or 'nothing'}"))
    return tuple(found)


# What is changed as a whole: shown as a text by the templates, or not at all.
_LONG = {"body", "new_repository", "new_issue", "old_repository", "old_issue", "new_discussion"}


def _name(value: object) -> object:
    """Of an object its name: a branch's `ref`, a category's `name`."""
    if not isinstance(value, Mapping):
        return value
    own = first(value, ("name", "login", "title", "ref", "user.login", "organization.login"))
    return own or _name(value.get("from"))


def generic(name: str, payload: Payload) -> Kind:
    """What is said of an event that has no kind of its own, from what GitHub's objects have in common."""
    thing = object_of(name, payload)
    return Kind(
        title=lambda payload: _generic_title(name, thing, payload),
        urls=(f"{thing}.html_url", f"{thing}.target_url"),
        times=times(thing),
        labels=(("State", f"{thing}.state"), ("Description", f"{thing}.description")),
    )


def _generic_title(name: str, thing: str, payload: Payload) -> str:
    number = dig(payload, f"{thing}.number", 0)
    own = first(payload, tuple(f"{thing}.{field}" for field in ("title", "name", "login", "slug", "summary")))
    words = (name.replace("_", " ").capitalize(), own, f"#{number}" if number else "")
    return one_line(" ".join(filter(None, words)), MAX_TITLE)
