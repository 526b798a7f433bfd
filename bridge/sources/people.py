"""Where the payloads of a service name people, and in which role: read once for all sources."""

from collections.abc import Iterator, Mapping
from email.utils import parseaddr
from functools import cache
from typing import Any

from bridge.events import Person
from bridge.values import dataclass

_MOST = 50  # people of a role
_LONGEST = 200  # characters of a handle
# By what services know people: logins first, as they are what cannot be chosen freely.
_HANDLES = (
    *("login", "username", "uniqueName", "nickname", "slug", "emailAddress", "email", "mail"),
    *("display_name", "displayName", "full_name", "name", "summary", "raw"),
    *("accountId", "account_id", "id"),
)
_HIDDEN = "[REDACTED]"  # GitLab's text for an address that is not public: it is nobody's
# Objects that stand around a person: of a repository's reviewers, of a schedule's assignments, of an author.
_AROUND = ("user", "reviewer", "account", "assignee")


@dataclass(frozen=True)
class PeopleAt:
    """Where people stand in a payload, by role: paths whose parts are separated by `/`, through lists, too.

    Of actor, author and owner the first place that names somebody counts; reviewers and assignees are in all of them.
    A path that begins with `@` is an attribute's name. Paths joined with `+` lead to the handles of one person.
    """

    actor: tuple[str, ...] = ()
    author: tuple[str, ...] = ()
    owner: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()
    assignees: tuple[str, ...] = ()

    def read(self, payload: Mapping[str, Any], attributes: Mapping[str, Any]) -> Mapping[str, tuple[Person, ...]]:
        """The people of a payload by their roles; a role that nobody has is left out."""
        found: dict[str, tuple[Person, ...]] = {}
        for role, paths in vars(self).items():
            places = (people for path in paths if (people := _at(payload, attributes, path)))
            if role in ("reviewers", "assignees"):
                people = tuple(dict.fromkeys(person for place in places for person in place))
            else:
                people = next(places, ())[:1]
            if people:
                found[role] = people[:_MOST]
        return found


NOBODY = PeopleAt()


def persons(value: Any) -> tuple[Person, ...]:
    """The people of a value: a text, an object of a service, or a list of them."""
    if isinstance(value, list | tuple):
        return tuple(dict.fromkeys(person for each in value[:_MOST] for person in persons(each)))
    person = _handles(value)
    return (person,) if person else ()


def _at(payload: Mapping[str, Any], attributes: Mapping[str, Any], path: str) -> tuple[Person, ...]:
    if path.startswith("@"):
        return persons(attributes.get(path[1:]))
    parts = _parts(path)
    if "+" not in path and parts[0] not in payload:
        return ()  # as most of them: every webhook comes along here
    if "+" in path:
        person = tuple(handle for each in path.split("+") for one in _at(payload, attributes, each) for handle in one)
        return (tuple(dict.fromkeys(person)),) if person else ()
    return persons(list(_values(payload, parts)))


@cache
def _parts(path: str) -> tuple[str, ...]:
    return tuple(path.split("/"))


def _values(value: Any, parts: tuple[str, ...]) -> Iterator[Any]:
    """The values at a path; of a list those of all its items."""
    if isinstance(value, list):
        for each in value[:_MOST]:
            yield from _values(each, parts)
    elif not parts:
        yield value
    elif isinstance(value, Mapping):
        yield from _values(value.get(parts[0]), parts[1:])


def _handles(value: Any) -> Person:
    """By what a person is known; nothing where the value is nobody's."""
    if isinstance(value, str):
        return _of_text(value)
    if not isinstance(value, Mapping):
        return ()
    found = [handle for name in _HANDLES if isinstance(text := value.get(name), str) for handle in _of_text(text)]
    inner = next((each for name in _AROUND if (each := _handles(value.get(name)))), ()) if not found else ()
    return tuple(dict.fromkeys(found)) or inner


def _of_text(text: str) -> Person:
    """The handles in a text, which may be `Mona Lisa <mona@contoso.com>`."""
    text = " ".join(text[:_LONGEST].split())
    if not text.endswith(">"):
        return (text,) if text and text != _HIDDEN else ()
    name, address = parseaddr(text)
    return tuple(filter(None, (address, name))) or (text,)
