"""docs/look.md: the topic and summary of our posts, which the page compares with those of others."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from bridge.entries import Entry, Target, entry_id
from bridge.publishing.digests import digest_topic
from bridge.rendering.renderer import Renderer
from bridge.sources import SOURCES
from tools.samples import NOW, event

# The samples that the page and its pictures show.
POSTS = (
    "github/pull_request.opened",
    "github/push",
    "github/issues.opened",
    "github/issue_comment.created",
    "github/pull_request_review.submitted",
    "github/pull_request.closed",
    "github/workflow_run.completed",
    "github/release.published",
    "github/dependabot_alert.created",
)
_RENDERER = Renderer(titles={name: source.title for name, source in SOURCES.items()})
_OURS = re.compile(r"(^### [^\n]*: `(?P<sample>[^`\n]*)`\n.*?^- Ours: )[^\n]*$", re.MULTILINE | re.DOTALL)
_DIGEST = re.compile(r"(^### [^\n]*: the digest\n.*?^- Ours: \*\*)[^*\n]*(?=\*\*)", re.MULTILINE | re.DOTALL)


def entry(name: str, position: int = 0) -> Entry:
    """The entry of a sample, `<source>/<sample>`; those in later positions happened later."""
    source, _, sample = name.partition("/")
    happened = event(SOURCES[source], SOURCES[source].samples / f"{sample}.json")
    made = _RENDERER.entry(happened, entry_id(happened, position, ""), Target(""), NOW)
    return replace(made, occurred=NOW + timedelta(seconds=40 * position))


def story(names: Sequence[str]) -> list[Entry]:
    """The entries of these samples of one thread, at the times and in the order in which they happened."""
    made: list[Entry] = []
    for name in names:
        source, _, sample = name.partition("/")
        happened = event(SOURCES[source], SOURCES[source].samples / f"{sample}.json")
        made.append(replace(entry(name, len(made)), occurred=happened.occurred or NOW))
    return sorted(made, key=lambda one: one.occurred)


def entries() -> list[Entry]:
    """The entries of all of these samples, in the order in which they happened."""
    return [entry(name, position) for position, name in enumerate(POSTS)]


def with_posts(text: str) -> str:
    """The page with the topics and summaries that the posts have now."""
    digest = digest_topic(entries(), {"github": SOURCES["github"].title})
    return _DIGEST.sub(lambda section: section[1] + digest, _OURS.sub(_line, text))


def _line(section: re.Match[str]) -> str:
    made = entry(section["sample"])
    return f"{section[1]}**{made.topic}** · {made.summary}"
