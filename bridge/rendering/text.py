"""Text and URLs of strangers, made fit to be shown: one line, short, printable, leading nowhere that harms."""

import re
from urllib.parse import urlsplit

SCHEMES = {"http", "https", "mailto"}
LONGEST_URL = 2000  # what every browser and Outlook take

# Controls but for tab and line ends, and the marks that turn the direction of text to disguise it.
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
# Of Azure, AWS and Google Cloud.
_CLOUD_PATH = re.compile(r"(/(subscriptions|providers)/|arn:[a-z-]+:|/?(projects|organizations)/[^/]+/)\S+")


def printable(text: str) -> str:
    """The text without control characters; line ends and tabs stay."""
    return _CONTROLS.sub("", text)


def shorten(text: str, limit: int) -> str:
    """The text within `limit` characters, cut after a word and then ending in an ellipsis."""
    if len(text) <= limit:
        return text
    cut = text[: max(limit - 1, 0)]
    word_end = max(cut.rfind(" "), cut.rfind("\n"))
    # A cut in a very long word is better than nearly nothing.
    return cut[: word_end if word_end > limit // 2 else None].rstrip(" \n,.;:") + "…"


def one_line(text: str, limit: int) -> str:
    """The text as one line without control characters, within `limit` characters."""
    # Only so much is looked at, as a title can be megabytes of blanks.
    return shorten(" ".join(printable(text[: limit * 20]).split()), limit)


def safe_url(url: str) -> str:
    """The URL if it is a whole one of http, https or mailto and not overlong, else an empty string."""
    url = url.strip()
    if len(url) > LONGEST_URL or re.search(r"[\s\x00-\x1f\x7f<>\"]", url):
        return ""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    whole = parts.path if parts.scheme == "mailto" else parts.netloc
    return url if parts.scheme in SCHEMES and whole else ""


def short_url(url: str) -> str:
    """A URL as people read it: its host and what there is room for of its path."""
    return shorten(re.sub(r"^https?://(www\.)?", "", url.strip()).rstrip("/"), 60)


def is_id(text: str) -> bool:
    """Whether the text is an id, which is compared digit by digit: a commit's hash or a UUID."""
    return bool(
        re.fullmatch(r"(?=.*\d)([0-9a-f]{7,64}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})", text.strip().lower())
    )


def in_words(name: object) -> str:
    """A name of the machine world in plain words: `script failure` of script_failure, `add details` of AddDetails."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name[:200] if isinstance(name, str) else "")
    return one_line(re.sub(r"[_.:/-]+", " ", spaced), 80).lower()


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
    if not re.fullmatch(
        r"(/(subscriptions|providers)/|arn:[a-z-]+:|/?(projects|organizations)/[^/]+/)\S+", text.strip()
    ):
        return text
    return re.split(r"[/:]", text.strip().rstrip("/:"))[-1]
