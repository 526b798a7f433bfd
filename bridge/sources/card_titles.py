"""The titles of alerts as people's chats have them: what one is about, and the state that it says, apart.

`[FIRING:2] HighLatency (pump-1 critical)`, `RESOLVED: disk`, `[Pump] [✅ Up] 200`, `Application shop has degraded.`
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import field

from bridge.events import Severity
from bridge.rendering.filters import upper_first
from bridge.sources.emoji import without_emoji, without_outer_emoji
from bridge.sources.severities import known_severity
from bridge.values import dataclass

# Each state by the words that services have for it, longest first where one begins another.
_STATES: Mapping[str, tuple[str, ...]] = {
    "firing": ("firing", "alerting", "triggered"),
    "problem": ("problem",),
    "down": ("down", "offline", "unreachable"),
    "critical": ("critical", "fatal"),
    "error": ("error",),
    "failed": ("failed", "failure"),
    "warning": ("warning", "warn"),
    "degraded": ("degraded",),
    "unhealthy": ("unhealthy",),
    "no data": ("no data", "nodata"),
    "pending": ("pending",),
    "acknowledged": ("acknowledged", "ack"),
    "resolved": ("resolved", "recovered", "recovery", "cleared", "back to normal"),
    "ok": ("ok", "normal"),
    "up": ("up and running", "up", "online", "back online"),
    "healthy": ("healthy",),
    "succeeded": ("succeeded", "success", "successful", "passed"),
    "info": ("info", "notice"),
}
_STATE_OF = {word: state for state, words in _STATES.items() for word in words}
# With these and a good colour an episode is over.
OVER = {"resolved", "ok", "up", "healthy"}
# These say so themselves.
_ENDED = {"resolved"}

_WORDS = "|".join(sorted(map(re.escape, _STATE_OF), key=len, reverse=True))
_COUNTED = rf"(?:{_WORDS})(?:[: ] ?\d+)?"
_COUNTED_STATE = re.compile(rf"\W{{0,4}}({_WORDS})(?:[: ] ?(\d{{1,9}}))?\W{{0,4}}", re.IGNORECASE)
# `[FIRING:2, RESOLVED:1]` or `[ALERT] `, at the beginning.
_IN_BRACKETS = re.compile(r"[\[(]([^\[\]()]{1,60})[\])] ?[:|\u2013\u2014-]?")
# `Resolved: `, `Resolved in 5m: `, `PROBLEM host`; without a mark behind it only in capitals.
_WITH_MARK = re.compile(
    rf"({_COUNTED})(?: (?:in|after|for) [\w ]{{1,20}})? ?(?::|\||[\u2013\u2014-](?= ))", re.IGNORECASE
)
_IN_CAPITALS = re.compile(rf"((?:{_WORDS.upper()})(?:[: ] ?\d+)?) ")
# `[Pump] [🔴 Down] connect ECONNREFUSED`: the state in brackets, and the reason behind it.
_AMID = re.compile(rf" \[\W{{0,4}}({_WORDS})\W{{0,4}}\] ?[:\u2013\u2014-]?", re.IGNORECASE)
_VERBS = (
    "failed|succeeded|passed|recovered|resolved|degraded|triggered|firing|started|finished|completed|cancell?ed"
    "|timed out|synced|deployed|created|deleted|updated|restarted|acknowledged"
)
# `Application shop has degraded.`, `Pump went down`, `Backup failed: disk full`, at the end.
_CLOSING = re.compile(
    r" (?:"
    r"(?:is|are|was|were|went|has|have|had|came|goes) "
    r"(?:(?:now|back|been|currently|successfully|automatically|just) ){0,3}"
    rf"({_WORDS}|{_VERBS})|({_VERBS}))"
    r"(?: (?:again|now))?[.!]{0,3}(?: ?[:\u2013\u2014] .*| (?:after|at|with) .*)?$",
    re.IGNORECASE,
)
# What Argo CD, Uptime Kuma and Gitea say before a name.
_OPENING = re.compile(
    r"(?:new version of an?|failed to sync|start(?:ed)? syncing|(?:the )?sync operation of|your service) ",
    re.IGNORECASE,
)
_UNKNOWN_SYNC = re.compile(r" (?:sync|health)(?: status)? is '\w{1,40}'[.!]{0,3}$", re.IGNORECASE)

# Each stands by itself: `10.0.0.1:9100`, `node-3d` and `10.0.0.0/24` are names.
_UNIT = r"(?:ms|s|secs?|m|mins?|h|hrs?|d|days?|hours?|minutes?|seconds?)"
_COUNTABLE = r"(?:new\s+)?(?:alerts?|errors?|warnings?|events?|issues?|times?|failures?|problems?|messages?|tests?)"
_NOT_KEY = tuple(
    re.compile(rf"(?<![\w.:#/-])(?:{pattern})(?![\w:/-]|\.\w)", re.IGNORECASE)
    for pattern in (
        # Times: dates, of day, and how long.
        r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?(?:Z| ?UTC|[+-]\d\d:?\d\d)?",
        r"\d{1,2}:\d\d(?::\d\d)?(?: ?[ap]m)?(?: UTC)?",
        rf"(?:(?:after|for|since|in)\s+)?(?:\d+(?:\.\d+)? ?{_UNIT}\s+){{0,3}}\d+(?:\.\d+)? ?{_UNIT}",
        # Counts and measures.
        r"[(\[]\s*(?:x ?)?\d+(?: ?x)?\s*[)\]]",
        r"\u00d7\d+|\d+ ?(?:of|/) ?\d+",
        rf"\d+(?=\s+{_COUNTABLE}\b)",
        r"\d+(?:[.,]\d+)? ?%",
    )
)
_DETAILS = re.compile(r" ?\([^()]*\)$")


@dataclass(frozen=True)
class Title:
    """What a title says.

    subject: what it is about, without its state. key: the same without counts, times and signs, for the conversation.
    state: one of the table, or empty. is_claimed: it stands where services write states, and not in a sentence.
    counts: how many are in each state. reason: what stands behind a state amid the title.
    """

    text: str
    subject: str
    key: str
    state: str = ""
    is_claimed: bool = False
    counts: Mapping[str, int] = field(default_factory=dict)
    reason: str = ""

    @property
    def severity(self) -> Severity | None:
        """That of its state, if a word for one is known."""
        return known_severity(self.state) if self.state else None

    def is_over(self, colour: Severity | None) -> bool:
        """Whether it says that what it is about has ended. colour: the severity of the card's colour."""
        if self.state not in OVER or any(state not in OVER for state in self.counts):
            return False
        is_good = colour is Severity.SUCCESS
        return is_good if not (self.is_claimed and self.state in _ENDED) else is_good or colour is None


def is_state(text: str) -> bool:
    """Whether a text is nothing but a state: `Firing`, `✅ OK`."""
    return without_outer_emoji(text).strip("*:. ").lower() in _STATE_OF


def read(text: str) -> Title:
    """What a title of one line says."""
    text = without_outer_emoji(" ".join(text.split()))
    states, rest, is_group = _leading(text)
    reason = ""
    is_claimed = bool(states)
    if not states and (amid := _AMID.search(rest)):
        states, is_claimed = [(amid[1], 0)], True
        rest, reason = rest[: amid.start()], rest[amid.end() :].strip()
    rest = without_outer_emoji(rest) or text
    subject, closing = _closing(rest)
    if closing:
        text, subject = _without_brackets(text), _without_brackets(subject)
    if not states and closing:
        states = [(closing, 0)]
    subject = _unwrapped(upper_first(subject[opening.end() :]) if (opening := _OPENING.match(subject)) else subject)
    named = [(_STATE_OF.get(word.lower(), word.lower()), count) for word, count in states]
    return Title(
        text=text,
        subject=subject or text,
        key=_key(_DETAILS.sub("", subject) or subject if is_group else subject) or _key(text) or text.casefold(),
        state=named[0][0] if named else "",
        is_claimed=is_claimed,
        counts={state: count for state, count in named if count},
        reason=reason,
    )


def _leading(text: str) -> tuple[list[tuple[str, int]], str, bool]:
    """The states at the beginning with their counts, what follows, and whether it is titled like a group of alerts."""
    bare = text.strip("* ")
    for pattern in (_IN_BRACKETS, _WITH_MARK, _IN_CAPITALS):
        if found := pattern.match(bare):
            parts = [_COUNTED_STATE.fullmatch(part) for part in found[1].split(",")]
            states = [(part[1], int(part[2] or 0)) for part in parts if part]
            rest = bare[found.end() :]
            if len(states) == len(parts) and rest.strip():
                return states, rest, pattern is _IN_BRACKETS
    return [], text, False


def _closing(text: str) -> tuple[str, str]:
    """The text without the state that it ends with, and that state."""
    if found := _CLOSING.search(text):
        return text[: found.start()], (found[1] or found[2]).lower()
    return _UNKNOWN_SYNC.sub("", text), ""


def _unwrapped(text: str) -> str:
    """A name without the brackets around it, and without a full stop behind it."""
    text = re.sub(r"^\[([^\[\]]+)\]$", r"\1", text.strip())
    return text.rstrip(" .:|\u2013\u2014-") or text


def _without_brackets(text: str) -> str:
    """`Application shop went down` of `Application [shop] went down`."""
    return re.sub(r"\[([^\[\]]+)\]", r"\1", text)


def _key(text: str) -> str:
    text = without_emoji(text)
    for pattern in _NOT_KEY:
        text = pattern.sub(" ", text)
    words: Iterable[str] = re.findall(r"[^\s\[\](){}|,;:!*\"“”'`]+", text.casefold())
    return " ".join(word for word in words if re.search(r"\w", word)).rstrip(".")
