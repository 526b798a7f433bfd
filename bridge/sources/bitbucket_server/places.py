"""People and places of Bitbucket Data Center: names, repositories and addresses."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from bridge.fields import Payload, dig, first, objects
from bridge.rendering.text import one_line


def person(value: Any) -> str:
    """Somebody's name."""
    return one_line(first(value, ("displayName", "name")), 80)


def people(values: Iterable[Any]) -> list[str]:
    """The names of people, each once."""
    return list(dict.fromkeys(filter(None, map(person, values))))


def page(linked: Payload) -> str:
    """The address of what has links to itself; some have a link to nothing."""
    return next((url for link in objects(linked, "links.self") if (url := dig(link, "href"))), "")


def home(repository: Payload) -> str:
    """The repository's address, below which is what belongs to it."""
    return page(repository).rstrip("/").removesuffix("/browse")


def place(repository: Payload) -> str:
    """Project and repository as in their address: `PUMP/firmware`."""
    names = (dig(repository, "project.key"), dig(repository, "slug") or dig(repository, "name"))
    return one_line("/".join(filter(None, names)), 120)


def below(address: str, path: str) -> str:
    """An address below another, or nothing."""
    return f"{address}/{path}" if address else ""


def escaped(text: str) -> str:
    """Text as a part of an address."""
    return quote(text, safe="")
