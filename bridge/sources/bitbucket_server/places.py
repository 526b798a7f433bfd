"""Where things of Bitbucket Data Center are: in which repository, and at which address."""

from urllib.parse import quote

from bridge.fields import Payload, dig, objects
from bridge.rendering.text import one_line


def page(thing: Payload) -> str:
    """The address of what has links to itself; some have a link to nothing."""
    return next((url for link in objects(thing, "links.self") if (url := dig(link, "href"))), "")


def home(repository: Payload) -> str:
    """The repository's address, which its things have theirs below."""
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
