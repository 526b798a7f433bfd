"""Which value of the recorded payloads is the title, the state, the key and so on, and why."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from bridge.fields import as_time
from bridge.local.learning.values import Value, example
from bridge.rendering.text import is_id
from bridge.sources import reading_names as names
from bridge.sources.reading_values import (
    MAX_STATE,
    SHORT,
    is_event_name,
    is_name,
    is_page,
    is_prose,
    is_state,
    is_title,
)
from bridge.sources.severities import OVER, known_severity

_BEGAN = (
    "startedat", "startsat", "firedat", "raisedat", "triggeredat", "openedat", "began", "beganat", "since", "start",
    "starttime", "createdat",
)  # fmt: skip
_STORY = (*names.STORY, *names.REFERENCE, "alarmid", "issueid", "findingid", "checkid", "monitorid", "jobid", "runid")
_DELIVERY = ("deliveryid", "eventid", "messageid", "notificationid", "webhookid", "uuid", "id")
_ANY_DEPTH = 99


@dataclass
class Choice:
    """A value that was chosen for a role, and the reason."""

    value: Value
    reason: str


@dataclass
class Roles:
    """What was chosen. found: by role. over: the states that are an end. left: what has no role. unsure: sentences."""

    items: Sequence[Any]
    left: list[Value]
    found: dict[str, Choice] = field(default_factory=dict)
    links: dict[str, Choice] = field(default_factory=dict)
    over: list[str] = field(default_factory=list)
    unsure: list[str] = field(default_factory=list)

    def of(self, role: str) -> Value | None:
        """The value of a role."""
        return self.found[role].value if role in self.found else None

    def take(
        self, role: str, wanted: Iterable[str], fits: Callable[[str], Any], depth: int = 0, *, keep: bool = False
    ) -> Value | None:
        """Choose the fitting value of the most specific name, from those that most items have.

        keep: it may have another role, too.
        """
        order = list(wanted)
        ranked = [
            (-value.coverage, value.depth, order.index(name), place, name)
            for place, value in enumerate(self.left)
            for name in value.names
            if name in order and value.depth <= depth and all(map(fits, value.texts))
        ]
        if not ranked:
            return None
        *_, place, name = min(ranked)
        value = self.left[place] if keep else self.left.pop(place)
        self.found[role] = Choice(value, self._reason(value, f"its name says so ({name})" if len(name) > 1 else ""))
        return value

    def choose(self, role: str, value: Value, why: str) -> None:
        """Give a role to a value."""
        self.found[role] = Choice(value, self._reason(value, why))
        self.left = [other for other in self.left if other is not value]

    def _reason(self, value: Value, why: str) -> str:
        count = len(value.values)
        missing = f", in {len(value.present)} of {count}" if len(value.present) < count else ""
        different = list(dict.fromkeys(map(example, value.present)))
        return f"{' or '.join(different[:2])}{'…' if len(different) > 2 else ''}: {why}{missing}"


def roles_of(items: Sequence[Any], found: Sequence[Value]) -> Roles:
    """Choose a value for each role, from the most certain to the least."""
    roles = Roles(items, list(found))
    _take_state(roles)
    severity = roles.take("severity", names.SEVERITY, lambda text: known_severity(text) or _is_word(text))
    for text, wanted in names.LINKS.items():
        if roles.take(text, wanted, is_page, _ANY_DEPTH):
            roles.links[text] = roles.found.pop(text)
    roles.take("url", names.PAGE, is_page, _ANY_DEPTH)
    _take_times(roles)
    roles.take("kind", names.HAPPENED, is_event_name)
    roles.take("resource", names.RESOURCE, is_name, _ANY_DEPTH, keep=True)
    _take_title(roles)
    _take_key(roles)
    _take_delivery(roles)
    roles.take("text", names.MESSAGE, is_prose)
    roles.take("scope", names.SCOPE, is_name, 1)
    roles.take("actor", names.ACTOR, is_name, 1)
    if severity is None and roles.of("state") is None:
        roles.unsure.append("No value says how bad it is: every post is information.")
    return roles


def _is_word(text: str) -> bool:
    return is_state(text) and not is_id(text)


def _take_state(roles: Roles) -> None:
    state = roles.take("state", names.STATE, _is_word)
    if state is None:
        flag = next((value for value in roles.left if value.names[0] in OVER and _is_flag(value)), None)
        if flag:
            roles.choose("flag", flag, "true at the end, by its name")
        else:
            roles.unsure.append("No value is a state: a thread never ends, and no post says that all is well again.")
        return
    roles.over = sorted({text.lower() for text in state.texts} & OVER)
    if not roles.over:
        roles.over = sorted(OVER)
        shown = ", ".join(dict.fromkeys(map(example, state.texts)))
        roles.unsure.append(
            f"The state is {shown}; which one is the end is a guess: record the webhook of an end, too."
        )


def _is_flag(value: Value) -> bool:
    return value.depth == 0 and all(isinstance(each, bool) for each in value.present)


def _take_times(roles: Roles) -> None:
    times = [value for value in roles.left if all(as_time(each) for each in value.present)]
    began = next((v for name in _BEGAN for v in times if name in v.names and v.depth == 0), None)
    happened = next((v for name in names.OCCURRED for v in times if name in v.names and v.depth == 0), None)
    if began and happened and began is not happened:
        roles.choose("started", began, "its name says that it began then")
    if happened:
        roles.choose("occurred", happened, "its name says so, and it is a time")
    else:
        roles.unsure.append("No value says when it happened: posts have the time at which the webhook came.")


def _take_title(roles: Roles) -> None:
    titled = roles.take("title", names.TITLE, is_title)
    if titled and _changes_with_state(roles, titled):
        roles.unsure.append(
            f"The title differs with the state ({example(titled.present[0])}, {example(titled.present[-1])}): "
            "a thread's topic is that of its first post."
        )
    if titled:
        return
    resource = roles.of("resource")
    if resource and resource.coverage == 1:
        roles.choose("title", resource, "nothing is called a title, and this is what it is about")
    elif roles.take("title", names.NAME, is_title) or roles.take(
        "title", names.MESSAGE, lambda text: is_title(text) and len(text) <= SHORT
    ):
        roles.unsure.append("Nothing is called a title: a name or a message stands in for it.")
    else:
        roles.unsure.append("Nothing can be a title: posts are called by the source and the kind of event.")


def _changes_with_state(roles: Roles, value: Value) -> bool:
    """Whether a value differs between items of different states that agree in something like an id."""
    state = roles.of("state")
    if state is None or len(set(state.texts)) < 2 or len(set(map(str, value.present))) < 2:
        return False
    return any(other.coverage == 1 and len(set(other.texts)) == 1 for other in roles.left if other.is_id_like)


def _take_key(roles: Roles) -> None:
    state, title = roles.of("state"), roles.of("title")
    flag = roles.of("flag")
    states = state.values if state else flag.values if flag else ()
    varies = len({str(each) for each in states}) > 1
    ids = [value for value in roles.left if value.is_id_like and value.coverage == 1 and value.depth <= 1]
    stories = [value for value in ids if set(value.names) & set(_STORY)]
    same = [value for value in [*stories, *ids] if len(set(value.texts)) < len(value.values)]
    if varies and same:
        roles.choose("key", same[0], "the same in several webhooks while the state changes")
    elif stories:
        roles.choose("key", stories[0], "its name is that of a whole story, from beginning to end")
        if not varies:
            roles.unsure.append(
                f"Whether {stories[0].expression} is still the same at the end: record the webhook of an end, too."
            )
    elif title:
        if len(roles.items) > 1 and len(set(title.texts)) == len(title.values) and varies:
            roles.unsure.append("No value is the same before and after: every webhook starts a thread of its own.")
        else:
            roles.unsure.append("No id is known to stay the same: webhooks with the same title are one thread.")
    else:
        roles.unsure.append("Nothing says what a webhook is about: all of them are one thread.")


def _take_delivery(roles: Roles) -> None:
    ids = [
        value for value in roles.left if set(value.names) & set(_DELIVERY) and value.is_id_like and value.coverage == 1
    ]
    certain = [value for value in ids if len(roles.items) > 1 and len(set(value.texts)) == len(value.values)]
    if certain and roles.of("key") is not None:
        roles.choose("delivery", certain[0], "another one in each webhook")
    elif ids:
        roles.unsure.append(
            f"Whether {ids[0].expression} differs with each webhook: if so, it can be `delivery`. "
            "Until then, equal bodies are repeats."
        )


def unknown_words(roles: Roles, role: str) -> list[str]:
    """The words of a role for which no severity is known."""
    value = roles.of(role)
    texts = value.texts if value else []
    return [text for text in dict.fromkeys(texts) if len(text) <= MAX_STATE and known_severity(text) is None]
