"""Who is invited to a post, and under which names it shows people: what `[people]` makes of what an event knows."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from bridge.events import Event, Person
from bridge.limits import MAX_PARTICIPANTS
from bridge.people import ROLE, TEAM, People, address_of
from bridge.values import dataclass

_MOST_UNKNOWN, _LONGEST = 10, 100  # of an event, and characters of each
_NAMED = ("people", "author", "authors")  # the details that name people
# The facts that do: a branch may have somebody's name, too.
_OF_PEOPLE = r"review|assign|author|owner|\blead\b|\bby$|\buser\b|report|responsib|approv"
_BOT = "[bot]"


@dataclass(frozen=True)
class Invitation:
    """participants: "Name <address>" of those who are invited. unknown: whom `[people]` does not name."""

    participants: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


def invitation(people: People, event: Event, wanted: Sequence[str]) -> Invitation:
    """Whom the `participants` of a route stand for with this event; the person who acted is not among them.

    wanted: addresses, roles (`@reviewers`) and teams (`team:platform`).
    """
    found: dict[str, str] = {}
    unknown: list[str] = []
    acted = _actor(event)
    for one in wanted:
        if one.startswith(ROLE):
            for person in event.people.get(one.removeprefix(ROLE), ()):
                participants = people.find(event.source, person)
                if participants is None and not person[0].endswith(_BOT):
                    unknown.append(f"{event.source}:{person[0][:_LONGEST]}")
                if not {*acted} & {handle.casefold() for handle in person}:
                    found |= {address_of(each): each for each in participants or ()}
        else:
            members = people.teams.get(one.removeprefix(TEAM), ()) if one.startswith(TEAM) else (one,)
            found |= {address_of(each): each for each in members}
    for each in people.find(event.source, acted) or ():
        found.pop(address_of(each), None)
    return Invitation(
        participants=tuple(found.values())[:MAX_PARTICIPANTS], unknown=tuple(dict.fromkeys(unknown))[:_MOST_UNKNOWN]
    )


def _actor(event: Event) -> Person:
    """By what the person is known who acted, in small letters."""
    handles = (*(handle for person in event.people.get("actor", ()) for handle in person), event.actor)
    return tuple(dict.fromkeys(handle.casefold() for handle in handles if handle))


def shown(event: Event, people: People) -> Event:
    """The event as posts show it: with the names of `[people]` in the place of what the service calls these people."""
    if not people.known:
        return event
    names = people.names(event)

    def name(text: str) -> str:
        return names.get(text) or people.name(event.source, text) or text

    return replace(
        event,
        actor=name(event.actor),
        facts=tuple(
            (label, _in_list(value, names.get) if re.search(_OF_PEOPLE, label, re.IGNORECASE) else value)
            for label, value in event.facts
        ),
        details={key: _detail(key, value, name) for key, value in event.details.items()},
    )


def _detail(key: str, value: Any, name: Callable[[str], str]) -> Any:
    if key in _NAMED:
        return [_text(each, name) for each in value] if isinstance(value, list) else _text(value, name)
    if key == "commits" and isinstance(value, list):
        return [
            {**each, "author": _text(each["author"], name)} if isinstance(each, dict) and "author" in each else each
            for each in value
        ]
    if key == "notes" and isinstance(value, dict):
        return {label: _text(each, name) for label, each in value.items()}
    return value


def _text(value: Any, name: Callable[[str], str]) -> Any:
    return name(value) if isinstance(value, str) and value else value


def _in_list(value: str, name: Callable[[str], str | None]) -> str:
    """A fact's value, of whose people each may have a remark behind the name: `monalisa (approved), hubot`."""
    return ", ".join(
        (name(who) or who) + mark + rest for who, mark, rest in (each.partition(" (") for each in value.split(", "))
    )
