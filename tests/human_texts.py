"""The texts that people write in payloads, filled with words of state."""

import json
import re
from typing import Any

from bridge.rendering.text import is_id
from tests.changed_payloads import Path, changed, is_excepted, is_word, key_of, leaves

# Fields that people fill, by the ends of their names, and names among them that a service gives.
WRITTEN = re.compile(
    r"(?:^|_)(?:title|name|message|msg|description|body|text|content|note|comment|raw|html|subject|summary|headline"
    r"|login|username|nickname|alias|label|tag|branch|ref|slug|goal|culprit|hostname|host|environment|repo|repository"
    r"|trigger|item|entity|owner|agent|team|project|app|policy|details|communication|email|user|markdown)s?$"
)
NAMED = re.compile(r"(?:operation|event|status|detail|type|annotation|metric)_(?:name|type)$")
PROSE = {
    "azure_devops ... message...": "the service's own sentence, in which only names and titles are anybody's",
    "azure_devops ... detailedMessage...": "the same",
    "terraform_cloud ...trigger": "the service's name for what happened",
}
ADDRESS = re.compile(r"https?://|\d{4}-\d\d-\d\d|/subscriptions|arn:")
STATES = [
    *("approved", "rejected", "critical", "resolved", "failed", "down", "up", "firing", "merged", "closed", "error"),
    *("succeeded", "canceled", "deleted", "created", "reopened", "acknowledged", "OK", "completed", "commented"),
]
# Texts with words of state, and such a text without them.
PHRASES = (
    "{0} {1} N{2}",
    "Nora Banks {0} pull request 12 (x) in y N{2}",
    "Nora {0} and {1} problem N{2}: it {0} by Mona",
)
PLAIN = "qwertz uiopue N{2}"
PLACE = re.compile("@@([0-9]+)( ?)@@")


def marked(source: str, sample: str, payload: Any) -> str:
    """The payload as JSON, with a place for every text that people write, wherever it stands."""
    texts = list(dict.fromkeys(value for path, value in leaves(payload) if is_written(source, sample, path, value)))
    ordered = sorted(map(re.escape, texts), key=len, reverse=True)
    pattern = re.compile(rf"(?<!\w)(?:{'|'.join(ordered)})(?!\w)" if texts else "(?!)")

    def mark(path: Path, value: Any) -> Any:
        is_text = isinstance(value, str) and not ADDRESS.match(value)
        if not is_text or (is_word(path) and value in texts and not is_written(source, sample, path, value)):
            return value  # also a word of a list may be a name elsewhere
        return pattern.sub(lambda it: f"@@{texts.index(it[0])}{' ' * (' ' in it[0])}@@", value)

    return json.dumps(changed(payload, mark))


def fill(place: re.Match[str], phrase: str) -> str:
    """The phrase for a place, with other words in each; what has no blanks, as a branch, gets none."""
    number = int(place[1])
    words = phrase.format(STATES[3 * number % 20], STATES[(7 * number + 1) % 20], number)
    return words if place[2] else re.sub(r"\W+", "-", words)


def is_written(source: str, sample: str, path: Path, value: object) -> bool:
    return (
        isinstance(value, str)
        and bool(WRITTEN.search(key_of(path)))
        and not NAMED.search(key_of(path))
        and len(re.findall("[A-Za-z]", value)) > 3
        and not ADDRESS.match(value)
        and not value.startswith("refs/")
        and not is_id(value)
        and not is_excepted(PROSE, source, sample, path)
    )
