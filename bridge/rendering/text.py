"""Text of strangers, made fit to be shown: one line, short, and nothing in it that is not seen."""

import re
from functools import cache

# Controls but for tab and line ends, the marks that turn the direction of text to disguise it, and halves of
# characters, which no text that leaves the bridge may hold.
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_ASCII_CONTROLS = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 127))
# What takes no room: joiners, marks of direction, fillers, variants, annotations and tags. Words hide in them, and one
# name pretends to be another.
_UNSEEN = (
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff9-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
# Scripts whose letters are written otherwise with a joiner between them, and signs that are emoji.
_JOINED = "\u0600-\u0dff\u1000-\u109f\u1780-\u17b3\u17b6-\u180a\u1810-\u18af"
_EMOJI = "\xa9\xae\u203c\u2049\u2122\u2139\u2190-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
_BLACK_FLAG, _END_OF_TAGS = "\U0001f3f4", "\U000e007f"
_FLAGS = "|".join("".join(chr(0xE0000 + ord(letter)) for letter in name) for name in ("gbeng", "gbsct", "gbwls"))
_ACCENTS = "\u0300-\u034e\u0350-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_SHORTEST_ID, _LONGEST_NAME = 7, 80  # characters
_ID = r"(?=[a-f-]*\d)([0-9a-f]{7,64}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})"


# These three are long, and are compiled when the first text needs them: one in ASCII does not.
@cache
def _invisible() -> re.Pattern[str]:
    return re.compile(f"[{_UNSEEN}]")


@cache
def _kept_or_invisible() -> re.Pattern[str]:
    return re.compile(
        f"((?<=[{_JOINED}])[\u200c\u200d](?=[{_JOINED}])"
        f"|(?<=[{_EMOJI}\ufe0f])\u200d(?=[{_EMOJI}])"
        f"|(?<=[{_EMOJI}])[\ufe0e\ufe0f]|(?<=[0-9#*])\ufe0f(?=\u20e3)"
        f"|(?<={_BLACK_FLAG})(?:{_FLAGS}){_END_OF_TAGS})|[{_UNSEEN}]"
    )


@cache
def _piled_up() -> re.Pattern[str]:
    return re.compile(f"(?<=[{_ACCENTS}]{{4}})[{_ACCENTS}]+")


def printable(text: str) -> str:
    """The text without control characters; line ends and tabs stay."""
    if text.isprintable():
        return text
    # The regular expression takes three times as long, for a card a fiftieth of its rendering; cards have that dot.
    plain = text.replace("·", "")
    if plain.isascii() and len(plain.translate(_ASCII_CONTROLS)) == len(plain):
        return text
    return _CONTROLS.sub("", text)


def has_invisible(text: str) -> bool:
    """Whether something in the text is not seen."""
    return not text.isascii() and _invisible().search(text) is not None


def visible(text: str) -> str:
    """The text without what is not seen. What makes one emoji of several stays, and so does what joins letters.

    Of many accents on one letter the first four stay: more of them cover the lines above.
    """
    if text.isascii():
        return text
    seen = _kept_or_invisible().sub(lambda found: found[1] or "", text) if has_invisible(text) else text
    return _piled_up().sub("", seen)


def shorten(text: str, limit: int) -> str:
    """The text within `limit` characters, cut after a word and then ending in an ellipsis."""
    if len(text) <= limit:
        return text
    cut = text[: max(limit - 1, 0)]
    word_end = max(cut.rfind(" "), cut.rfind("\n"))
    # A cut in a very long word is better than nearly nothing.
    return cut[: word_end if word_end > limit // 2 else None].rstrip(" \n,.;:\u200d") + "…"


def one_line(text: str, limit: int) -> str:
    """The text as one line without control characters or invisible ones, within `limit` characters."""
    if len(text) <= limit and text.isascii() and text.isprintable():
        return " ".join(text.split())  # as most texts, in a third of the time
    # Only so much is looked at, as a title can be megabytes of blanks.
    return shorten(" ".join(visible(printable(text[: limit * 20])).split()), limit)


def is_id(text: str) -> bool:
    """Whether the text is an id, which is compared digit by digit: a commit's hash or a UUID."""
    digits = text.strip().lower()
    return len(digits) >= _SHORTEST_ID and digits[0] in "0123456789abcdef" and re.fullmatch(_ID, digits) is not None


def in_words(name: object) -> str:
    """A name of the machine world in plain words: `script failure` of script_failure, `add details` of AddDetails."""
    if isinstance(name, str) and len(name) <= _LONGEST_NAME and name.isascii() and name.isalpha() and name.islower():
        return name  # as most, in a tenth of the time
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name[:200] if isinstance(name, str) else "")
    return one_line(re.sub(r"[_.:/-]+", " ", spaced), _LONGEST_NAME).lower()


# What services call by the verb that asks for it, and readers see done.
_VERBS = (
    *("acknowledge", "add", "approve", "archive", "assign", "cancel", "close", "create", "delete", "disable"),
    *("dismiss", "enable", "escalate", "publish", "reject", "remove", "rename", "reopen", "resolve", "restore"),
    *("suppress", "unacknowledge", "unassign", "update"),
)
_DONE = {verb: f"{verb}{'d' if verb.endswith('e') else 'ed'}" for verb in _VERBS}


def done(name: str) -> str:
    """What was done, in plain words: `added details` of AddDetails; a state stays as it is: `in progress`."""
    verb, blank, rest = in_words(name).partition(" ")
    return _DONE.get(verb, verb) + blank + rest


def last_part(text: str) -> str:
    """The name at the end of a cloud's path or ARN: `vm-1` of /subscriptions/../virtualMachines/vm-1; else the text."""
    if not text.strip().startswith(("/", "arn:", "projects/", "organizations/")) or not re.fullmatch(
        r"(/(subscriptions|providers)/|arn:[a-z-]+:|/?(projects|organizations)/[^/]+/)\S+", text.strip()
    ):
        return text
    return re.split(r"[/:]", text.strip().rstrip("/:"))[-1]
