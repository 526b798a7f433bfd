"""Titles that are more than an object's noun and name, times, and the values of facts."""

import re
from collections.abc import Callable
from typing import Any

from bridge.fields import Payload, as_time, first
from bridge.rendering.text import one_line
from bridge.sources import kit
from bridge.sources.github.heads import head_of

Title = Callable[[Payload], str]

_MAX_FACT = 120
_MAX_NAMES = 8
_SHA = r"[0-9a-f]{40}"


def times(*things: str) -> tuple[str, ...]:
    """Where objects say when they changed last."""
    names = ("updated_at", "completed_at", "submitted_at", "published_at", "started_at", "created_at")
    return tuple(f"{thing}.{name}" for thing in things for name in names)


def named(noun: str, *paths: str) -> Title:
    """A noun with the first name at the paths; `Plan of` is just `Plan` without one."""

    def title(payload: Payload) -> str:
        name = first(payload, paths)
        return kit.title(f"{noun} {name}" if name else noun.removesuffix(" of").removesuffix(" by"))

    return title


def called(words: str) -> Title:
    """The same words for all of a repository or organization."""
    return lambda _: words


def run_title(event: str, *names: str) -> Title:
    """The name of what runs, and where: `CI on main`, of a fork `CI on stranger:main`."""

    def title(payload: Payload) -> str:
        head = head_of(event, payload)
        parts = (first(payload, names) or "Checks", head.branch or head.sha[:7])
        return kit.title(" on ".join(filter(None, parts)))

    return title


def environment(payload: Payload) -> str:
    """Where a deployment goes."""
    return first(payload, ("deployment.environment", "deployment_status.environment", "environment"))


def deployment_title(payload: Payload) -> str:
    """What is deployed, and where: `Deployment of main (1b2c3d4) to production`."""
    head, place = head_of("deployment", payload), environment(payload)
    branch, sha = head.branch, head.sha[:7]
    what = f"{branch} ({sha})" if branch and sha and not re.fullmatch(_SHA, branch) else sha or branch
    return kit.title(f"Deployment{f' of {what}' if what else ''}{f' to {place}' if place else ''}")


def shown(value: Any) -> str:
    """A fact's value: text, a number, a day, or the names in a list of objects; a commit's hash is shortened."""
    if isinstance(value, list):
        names = (item if isinstance(item, str) else first(item, ("name", "login", "title", "type")) for item in value)
        return one_line(kit.listed(names, _MAX_NAMES), _MAX_FACT)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{value:g}" if isinstance(value, float) else f"{value}"
    text = value if isinstance(value, str) else ""
    if re.match(r"\d{4}-\d\d-\d\d(T|$)", text) and (time := as_time(text)):
        return f"{time:%-d %b %Y}"
    text = text.removeprefix("refs/heads/")
    return text[:7] if re.fullmatch(_SHA, text) else one_line(text, _MAX_FACT)


def new_lines(before: str, after: str) -> str:
    """The lines of a text that are new, for a post of an edit."""
    old = set(before.splitlines())
    return "\n".join(line for line in after.splitlines() if line not in old)
