"""The shape of one kind of GitHub's events: what Python reads of it. Its words are its template's."""

from collections.abc import Callable, Mapping
from dataclasses import field, replace
from datetime import datetime
from typing import Any

from bridge.events import Event
from bridge.fields import Payload, at, dig, first, moment
from bridge.rendering.filters import upper_first
from bridge.rendering.text import done, in_words, one_line
from bridge.sources import kit
from bridge.sources.base import as_action
from bridge.sources.github.keys import object_of
from bridge.sources.github.severities import Grade, plain
from bridge.sources.github.titles import Title, shown, times
from bridge.values import dataclass


def _as_it_is(event: Event) -> Event:
    return event


@dataclass(frozen=True)
class Kind:
    """How one kind of event is read.

    noun: what its object is called (`milestone`). thing: where that is, whose `changes` an edit names.
    names, number: paths of the object's name, best first, and number.
    title: the subject of its thread, the same over the thread's life, where it is not the noun and the name.
    urls, times: paths of its link and of when it happened, best first, where they are not those of the thing.
    severity: how much it matters.
    labels: the facts' names with the paths of their values.
    actions: for GitHub's actions (empty: the event has none) the names that the templates' blocks have, where they
        differ; one name for all is a text.
    read: adds what the template needs beyond that.
    """

    noun: str
    thing: str = ""
    names: tuple[str, ...] = ()
    number: str = ""
    title: Title | None = None
    urls: tuple[str, ...] = ()
    times: tuple[str, ...] = ()
    severity: Grade = plain
    labels: tuple[tuple[str, str], ...] = ()
    actions: Mapping[str, str] | str = field(default_factory=dict)
    read: Callable[[Event], Event] = _as_it_is

    def url(self, payload: Payload) -> str:
        """Where the event leads: to its object, else to its repository or organization."""
        own = self.urls or (f"{self.thing}.html_url",)
        return first(payload, (*own, "repository.html_url", "organization.html_url"))

    def occurred(self, payload: Payload) -> datetime | None:
        """When it happened, as far as the payload says."""
        paths = self.times or times(self.thing)
        return next((time for path in paths if (time := moment(payload, path))), None)

    def titled(self, payload: Payload) -> str:
        """The subject of the event's thread."""
        if self.title:
            return self.title(payload)
        name, reference = first(payload, self.names), self._reference(payload)
        if reference:
            return kit.title(name or upper_first(self.noun), reference)
        return kit.title(f"{upper_first(self.noun)} {name}".strip())

    def details(self, payload: Payload) -> Mapping[str, Any]:
        """What the templates of all kinds use."""
        return {
            "action": self._action(as_action(dig(payload, "action"))),
            "noun": self.noun,
            "name": _short(first(payload, self.names)),
            "reference": self._reference(payload),
        }

    def facts(self, payload: Payload) -> kit.Facts:
        """What was changed and the facts that the payload has, as text."""
        changes = _changes(payload, self.thing)
        changed = {label for label, _ in changes}
        found = ((label, shown(at(payload, path))) for label, path in self.labels if label not in changed)
        return (*changes, *((label, _plain(label, value)) for label, value in found if value))

    def _action(self, given: str) -> str:
        if isinstance(self.actions, str):
            return self.actions
        return self.actions.get(given, given) or "updated"

    def _reference(self, payload: Payload) -> str:
        number = dig(payload, self.number, 0) if self.number else 0
        return f"#{number}" if number else ""


def with_details(event: Event, **details: Any) -> Event:
    """The event with more details, or others in their place; names are short, texts and URLs as they are."""
    short = {name: value if name.endswith(_LONG_DETAILS) else _short(value) for name, value in details.items()}
    return replace(event, details={**event.details, **short})


_LONG_DETAILS = ("text", "hunk", "url")


def _short(value: Any) -> Any:
    return value if not isinstance(value, str) or len(value) <= kit.MAX_TITLE else one_line(value, kit.MAX_TITLE)


def values(**paths: str) -> Callable[[Event], Event]:
    """Adds the texts at these paths by their names."""
    return lambda event: with_details(event, **{name: dig(event.payload, path) for name, path in paths.items()})


# Facts whose values are GitHub's names for one of a few things, as `direct_member`.
_ENUMERATIONS = {
    *("Enforcement", "Events", "Reason", "Role", "Rules added", "Rules removed", "Scan", "Secrets", "State", "Trigger"),
    *("Type", "Place", "Repositories", "Forced pushes", "Validity", "Severity"),
}


def _plain(label: str, value: str) -> str:
    return ", ".join(map(in_words, value.split(", "))) if label in _ENUMERATIONS else value


def _changes(payload: Payload, thing: str) -> kit.Facts:
    """What an edit changed: `("Title", "Old → New")`. Long texts are left to the templates."""
    if not thing:
        return ()
    found = []
    for name in dig(payload, "changes", dict[str, Any]()):
        change = dig(payload, f"changes.{name}", dict[str, Any]())
        if name in _LONG or name.endswith("_id") or "from" not in change:
            continue
        before = shown(_name(change.get("from")))
        after = shown(_name(change["to"] if "to" in change else at(payload, f"{thing}.{name}")))
        if (before or "no") != (after or "no"):
            label = dig(change, "field_name") or name.replace("_", " ").capitalize()
            found.append((label, kit.change(before, after)))
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
    """How an event is read that has no kind of its own, from what GitHub's objects have in common.

    What was done is said in GitHub's word: the action need not be one on the object that is found here.
    """
    thing = object_of(name, payload)
    number = dig(payload, f"{thing}.number", 0)
    own = first(payload, tuple(f"{thing}.{part}" for part in ("title", "name", "login", "slug", "summary")))
    words = (upper_first(in_words(name)), own, f"#{number}" if number else "")
    return Kind(
        noun=in_words(name),
        title=lambda _: kit.title(" ".join(filter(None, words))),
        urls=(f"{thing}.html_url", f"{thing}.target_url"),
        times=times(thing),
        labels=(("State", f"{thing}.state"), ("Description", f"{thing}.description")),
        actions="other",
        read=lambda event: with_details(event, word=done(dig(event.payload, "action")) or "event"),
    )
