"""The template filters: Markdown, links, shortening, times and numbers, all safe to show in Outlook."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo

from markupsafe import Markup, escape

from bridge.events import Severity
from bridge.limits import MAX_TOPIC
from bridge.rendering.links import real_host, safe_url, short_url
from bridge.rendering.markdown import markdown, plain
from bridge.rendering.text import done, in_words, is_id, one_line, shorten, visible

# The facts in which services grade an event, and what such a grade looks like.
GRADES = ("Severity", "Priority", "Urgency", "Importance", "Impact")
_GRADE = r"[A-Za-z]{1,12}|[A-Za-z]{1,3}\d"
# States that say by themselves how bad they are.
_ERRORS = (
    r"fail|firing|^down$|reject|expired|disputed|timed out|unavailable|unreachable|degraded|vulnerab|secret found"
    r"|security|incident"
)
_WARNINGS = (
    r"fail|expir|degraded|needed|request|waiting|quarantine|conflict|advisory|forecast|unlocked|not |^no |drift"
    r"|insufficient|confirmed|unavailable"
)
_SCOPE = 70  # characters
# Where a title ends in its number: `Pump stops (GHSA-0000-0000-0001)`, `Merge request !12`.
_LAST_NUMBER = re.compile(r" (?:\([A-Z][\w-]{2,30}\)|[#!]\d{1,12})$")
_GOES_ON = r" (?:of|for|in|on|at|from|with|to|and|or|by)\b"
_ISO = r"\s*\d{4}-\d\d-\d\d[T ]\d\d:\d\d"
_JOINT = r"(?<=[a-z0-9])(?=[A-Z])|(?<=[_./:-])(?=\w)"
_HASH = r"[0-9a-f]{40}|[0-9a-f]{64}"
_LONGEST = 1e11  # seconds; more is nobody's time


def without_subject(sentence: str, subjects: Sequence[str]) -> str:
    """What a sentence says of one of the subjects that it may begin with: `Firing for pump-07`.

    Where the subject goes on (`Defender for Cloud found`, `This token of pump expires`), the sentence stays whole.
    """
    for subject in filter(None, subjects):
        rest = _after(sentence, subject)
        if rest and not re.match(_GOES_ON, rest):
            rest = rest.lstrip(": ")
            return upper_first(rest.removeprefix("is ").removeprefix("was "))
    return sentence


def _after(sentence: str, subject: str) -> str:
    """What follows the subject at the beginning of a sentence, in which it may be bold or in a direction of its own."""
    own = escape(subject) if isinstance(sentence, Markup) else subject
    forms = (own, f"<b>{own}</b>", f'<span dir="auto">{own}</span>') if isinstance(sentence, Markup) else (own,)
    found = next((form for form in forms if str(sentence).startswith((f"{form} ", f"{form}:"))), "")
    return sentence[len(found) :] if found else type(sentence)()


def topic(name: str, scope: str = "") -> str:
    """The subject of a thread within 120 characters: the title is shortened, its number and the scope are not."""
    whole, place = one_line(name, 500), one_line(scope, _SCOPE)
    number = _LAST_NUMBER.search(whole)
    end = f"{number[0] if number else ''}{f' · {place}' if place and scope not in name else ''}"
    return shorten(whole[: number.start()] if number else whole, MAX_TOPIC - len(end)) + end


def level(facts: Sequence[tuple[str, str]], severity: Severity | str, word: str) -> str:
    """How bad it is, where the state does not say so: in the service's own word, else in ours.

    *Failed* is an error and *Approval needed* a warning without a second word; *Firing* may be any of them.
    """
    severity = Severity(severity)
    if severity < Severity.WARNING:
        return ""
    name, own = next(
        ((name, value) for name, value in facts if name in GRADES and re.fullmatch(_GRADE, value)), ("", "")
    )
    if own:
        text = own if any(sign.isdigit() for sign in own) else own.lower()
        shown = f"{text} {name.lower()}" if name != "Severity" and text.isalpha() else text
        return "" if shown.lower() == word.lower() else shown
    return "" if word.lower() == severity or _implies(word, severity) else str(severity)


def _implies(word: str, severity: Severity) -> bool:
    if severity == Severity.ERROR:
        return re.search(_ERRORS, word, re.IGNORECASE) is not None
    return severity == Severity.WARNING and re.search(_WARNINGS, word, re.IGNORECASE) is not None


def is_hash(value: object) -> bool:
    """Whether the value is a full hash of a commit, whose beginning is enough."""
    return isinstance(value, str) and re.fullmatch(_HASH, value) is not None


def with_host(text: str, url: str) -> str:
    """The text of a link; where it looks like the address of another place, with the real host behind it."""
    host = real_host(text.striptags() if isinstance(text, Markup) else text, url, is_name=True)
    return text + f" → {host}" if host else text  # markup escapes what is added to it


def duration(seconds: float) -> str:
    """A length of time in its two largest units: `4 min 10 s`, `2 h`, `3 d 4 h`."""
    rest = round(min(seconds, _LONGEST)) if seconds > 0 else 0
    parts = []
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        amount, rest = divmod(rest, size)
        parts.append((amount, unit))
    while len(parts) > 1 and not parts[0][0]:
        parts.pop(0)
    return " ".join(f"{amount} {unit}" for index, (amount, unit) in enumerate(parts[:2]) if amount or len(parts) == 1)


def between(start: datetime | None, end: datetime | None) -> str:
    """How long it took from one time to another, or an empty string where that cannot be said."""
    if start is None or end is None or not timedelta(seconds=1) <= end - start < timedelta(days=400):
        return ""
    return duration((end - start).total_seconds())


def clock(time: datetime, zone: tzinfo = UTC) -> str:
    """The time of day with its offset: `14:03 UTC`, or `16:03 UTC+2` where BRIDGE_TIME_ZONE says so."""
    return f"{time.astimezone(zone):%H:%M} {offset(time, zone)}"


def date(time: datetime | str, zone: tzinfo = UTC) -> str:
    """A day with its time: `23 Nov 2026, 14:03 UTC`. Text that is no time of ISO 8601 stays as it is."""
    if isinstance(time, str):
        if "-" not in time or not re.match(_ISO, time):
            return time
        try:
            time = datetime.fromisoformat(time.strip())
        except ValueError:
            return str(time)
    aware = time if time.tzinfo else time.replace(tzinfo=UTC)
    return f"{aware.astimezone(zone):%-d %b %Y}, {clock(aware, zone)}"


def offset(time: datetime, zone: tzinfo = UTC) -> str:
    """How far the zone's clocks are from UTC at that time: `UTC`, `UTC+2`, `UTC-3:30`."""
    away = time.astimezone(zone).utcoffset() or timedelta()
    hours, minutes = divmod(round(abs(away).total_seconds() / 60), 60)
    sign = "-" if away < timedelta() else "+"
    return "UTC" + (f"{sign}{hours}" if away else "") + (f":{minutes:02}" if minutes else "")


def figure(number: float) -> str:
    """A measured value, to six digits: `93.4`."""
    return f"{number:.6g}"


def count(number: float) -> str:
    """A number with its thousands set apart: `12,400`."""
    return f"{number:,}"


def plural(number: int, noun: str, many: str = "") -> str:
    """A number with its noun: `1 commit`, `3 commits`."""
    return f"{count(number)} {noun if number == 1 else many or noun + 's'}"


def joints(text: str) -> Markup:
    """The text with places to wrap long words at, between the parts of a name: an invisible space of no width."""
    own = escape(visible(text))
    return Markup(re.sub(r"\S{17,}", lambda word: re.sub(_JOINT, "\u200b", word[0]), own))  # noqa: S704 - escaped before


def safe_links(pairs: Sequence[tuple[str, str]], most: int = 3) -> list[tuple[str, str]]:
    """The first of these pairs of text and URL that lead to an address on the web, each address once."""
    found: dict[str, str] = {}
    for text, url in pairs:
        if address := safe_url(url):
            found.setdefault(address, text)
    return [(text, address) for address, text in found.items()][:most]


def upper_first(text: str) -> str:
    """The text with a capital letter at its beginning."""
    return text[:1].upper() + text[1:]


FILTERS = {
    "between": between,
    "clock": clock,
    "count": count,
    "date": date,
    "done": done,
    "duration": duration,
    "in_words": in_words,
    "joints": joints,
    "level": level,
    "is_hash": is_hash,
    "is_id": is_id,
    "markdown": markdown,
    "one_line": one_line,
    "plain": plain,
    "plural": plural,
    "safe_links": safe_links,
    "safe_url": safe_url,
    "short_url": short_url,
    "shorten": shorten,
    "topic": topic,
    "upper_first": upper_first,
    "with_host": with_host,
    "without_subject": without_subject,
}
