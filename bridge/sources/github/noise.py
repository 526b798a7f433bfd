"""What GitHub sends and nobody wants to read: it is acknowledged, and told to nobody."""

from collections.abc import Mapping
from typing import Any

from bridge.fields import Payload, at, dig

_QUEUE = "gh-readonly-queue/"  # where the merge queue keeps what it tries


def noise(name: str, payload: Payload, about: Mapping[str, Any]) -> str:
    """Why the event, of which `about` are the attributes, says nothing; an empty text where it says something."""
    action = dig(payload, "action")
    if about["branch"].startswith(_QUEUE):
        return "It is on a branch of the merge queue: the pull request tells what comes of it."
    if action == "edited" and _changes_nothing(payload):
        return "It is an edit that changes nothing."
    if action in {"labeled", "unlabeled"} and about["bot"]:
        return f"It is a label that the bot {about['sender']} put on or took off."
    if name == "check_suite" and action == "requested":
        return "It asks for checks: each of them tells its own."
    return ""


def _changes_nothing(payload: Payload) -> bool:
    """Whether nothing is said to have changed, or only a text into the very same."""
    changes = at(payload, "changes")
    if changes == {}:
        return True
    same = ("comment", "review", "issue", "pull_request", "discussion", "release")
    before = dig(payload, "changes.body.from")
    thing = next((thing for thing in same if at(payload, thing)), "")
    return bool(before) and list(changes) == ["body"] and before == dig(payload, f"{thing}.body")
