"""What all code hosts have in common: pushes, pull requests with their reviews and comments, and runs.

A source reads its payload into one of these values; the templates of the same name (push.html, pull_request.html,
run.html) hold the sentences, so that the same action reads the same everywhere. What an action needs beyond the value
goes into `details` by the names that the template lists at its top.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import field, replace
from typing import Any

from bridge.events import Event, Severity
from bridge.rendering.text import in_words
from bridge.sources import kit
from bridge.values import dataclass

# How much an action on a pull request matters; every other one is `info`.
_ACTIONS: Mapping[str, Severity] = {
    "changes_requested": Severity.WARNING,
    "conflicts": Severity.WARNING,
    "waiting": Severity.WARNING,
    "rejected": Severity.ERROR,
}

# How a run, a check, a build or a deployment stands. A service's own words are mapped to these; what is unknown is
# shown in plain words with `info`.
OUTCOMES: Mapping[str, Severity] = {
    "succeeded": Severity.SUCCESS,
    "partly_succeeded": Severity.WARNING,
    "failed": Severity.ERROR,
    "timed_out": Severity.ERROR,
    "failed_to_start": Severity.ERROR,
    "rejected": Severity.ERROR,
    "waiting_for_approval": Severity.WARNING,
    "action_required": Severity.WARNING,
    "canceled": Severity.INFO,
    "skipped": Severity.INFO,
    "stale": Severity.INFO,
    "neutral": Severity.INFO,
    "queued": Severity.INFO,
    "running": Severity.INFO,
}


MOST_COMMITS = 100  # of a push, for its card: it shows ten of them


@dataclass(frozen=True)
class Commit:
    """A commit as a card lists it. author: who wrote it, for people."""

    id: str
    message: str
    url: str = ""
    author: str = ""


@dataclass(frozen=True)
class Push:
    """What happened to one branch or tag.

    kind: `branch` or `tag`. change: `pushed`, `forced`, `created`, `deleted` or `moved`. old, new: hashes.
    commits: the newest first. total: how many there are in all; is_cut: nobody says how many there are. authors: of all
    commits, if `commits` has only MOST_COMMITS of them.
    """

    kind: str
    name: str
    change: str
    old: str = ""
    new: str = ""
    commits: Sequence[Commit] = ()
    total: int = 0
    is_cut: bool = False
    authors: Sequence[str] = ()


@dataclass(frozen=True)
class PullRequest:
    """A pull request or merge request.

    key: its correlation key. reference: its number as its service writes it (`#12`, `!12`), noun: what the service
    calls it. source: the branch with the changes; of a fork with the fork's owner (`stranger:main`). target: the branch
    that they are for. draft: it is not ready for review.
    """

    key: str
    reference: str
    name: str
    url: str = ""
    source: str = ""
    target: str = ""
    draft: bool = False
    noun: str = "pull request"


@dataclass(frozen=True)
class Run:
    """Something that runs and ends: a pipeline, a workflow, a build, a job, a check, a deployment.

    name: what runs, for people (`CI #77`). outcome: one of OUTCOMES, or the service's own word.
    branch: where it runs; of a fork with the fork's owner. reference: the pull request that it is for (`#12 Title`).
    took: how long it ran, as text. trigger: what started it where nobody did (`its schedule`, `the merge queue`).
    jobs: rows of name, URL and remark. where: the environment that it deploys to.
    id: of the run. part_of: the id of the run that a job belongs to: the run's post names the jobs that have failed.
    """

    name: str
    outcome: str
    branch: str = ""
    reference: str = ""
    reference_url: str = ""
    sha: str = ""
    sha_url: str = ""
    took: str = ""
    attempt: int = 0
    trigger: str = ""
    where: str = ""
    noun: str = "run"
    jobs: Sequence[tuple[str, str, str]] = field(default_factory=tuple)
    id: str = ""
    part_of: str = ""


def pushed(event: Event, push: Push, key: str, **details: Any) -> Event:
    """The event as a push. key: the correlation key of the branch or tag (`ref_key`).

    Its commits' authors are named unless the one who pushed wrote all of them.
    """
    names = push.authors or [commit.author for commit in push.commits]
    authors = list(dict.fromkeys(filter(None, names)))
    values: dict[str, Any] = {
        **vars(push),
        "authors": [] if authors == [event.actor] else authors,
        "old": _short(push.old),
        "new": _short(push.new),
        "commits": [vars(c) for c in push.commits],
    }
    return replace(
        event,
        correlation_key=key,
        title=kit.title(f"{push.kind.capitalize()} {push.name}"),
        attributes=kit.with_attributes(
            event,
            branch=push.name if push.kind == "branch" else "",
            tag=push.name if push.kind == "tag" else "",
        ),
        details={**event.details, **values, "action": push.change, **details},
    )


_REFS = {"branch": "heads", "tag": "tags"}


def ref_key(home: str, kind: str, name: str) -> str:
    """The correlation key of a branch or a tag of the repository whose key is `home`."""
    return kit.key(home, f"refs/{_REFS.get(kind, kind)}/{name}" if name else "")


def pull_request(event: Event, pull: PullRequest, action: str, **details: Any) -> Event:
    """The event as an action on a pull request: one of the blocks `on_<action>` of pull_request.html or action.html."""
    remarks = {"approved": {"approved": event.actor}, "approval_withdrawn": {"-approved": event.actor}}
    remarks |= {"approvals_reset": {"-approved": ""}, "review_dismissed": {"-approved": str(details.get("author", ""))}}
    memory = {"notes": remarks.get(action, {}), "asks": {"approved": "Approved by"} if action == "merged" else {}}
    return replace(
        event,
        correlation_key=pull.key,
        title=kit.title(pull.name or pull.noun.capitalize(), pull.reference),
        url=event.url or pull.url,
        severity=max(event.severity, _ACTIONS.get(action, Severity.INFO)),
        details={**event.details, **vars(pull), **memory, "action": action, **details},
    )


def ran(event: Event, run: Run, **details: Any) -> Event:
    """The event as a run; its correlation key and title are the source's: mostly those of a pull request or branch."""
    severity = OUTCOMES.get(run.outcome, Severity.INFO)
    has_failed = severity >= Severity.ERROR
    memory = {
        "notes": {f"failed {run.part_of}": run.name} if run.part_of and has_failed else {},
        "asks": {f"failed {run.id}": "Failed jobs"} if run.id and has_failed else {},
    }
    return replace(
        event,
        severity=severity,
        details={**event.details, **vars(run), **memory, "sha": _short(run.sha), "action": run.outcome, **details},
    )


def comment_action(action: str, *, is_reply: bool = False) -> str:
    """The action of a comment that was `created`, `edited`, `deleted`, `resolved` or `reopened`."""
    if action in {"", "created"}:
        return "replied" if is_reply else "commented"
    return f"comment_{action}"


def head(branch: str, fork: str = "", home: str = "") -> str:
    """The branch that changes come from; of a fork, given by its path, with the fork's owner: `stranger:main`.

    A fork with the owner of the repository at `home` is named by its whole path.
    """
    owner, ours = fork.rpartition("/")[0] or fork, home.rpartition("/")[0]
    return f"{fork if owner == ours else owner}:{branch}" if fork and branch else branch


def commit_comment(event: Event, home: str, sha: str, message: str, action: str, **details: Any) -> Event:
    """The event as an action on a comment on a commit. home: the correlation key of its repository."""
    name = f"{sha[:7]} {kit.first_line(message)}".strip()
    return replace(
        event,
        correlation_key=kit.key(home, "commit", sha),
        title=kit.title(f"Commit {name}"),
        details={**event.details, "noun": "commit", "name": name, "action": action, **details},
    )


def place(path: str, line: str = "") -> str:
    """Where a comment stands in the code: `src/pump.c:12`."""
    return f"{path}:{line}" if path and line else path


def _short(sha: str) -> str:
    return "" if not sha.strip("0") else sha[:7]


def unknown(event: Event, envelope: Collection[str]) -> Event:
    """An event that is newer than the bridge: what its payload says beside the `envelope`, by the usual names."""
    others = {name: value for name, value in event.payload.items() if name not in envelope}
    if not others:
        return kit.with_details(event, noun="repository", name=event.scope) if event.scope else event
    # Imported here: only what has no values of its own is read like this.
    from bridge.sources import reading  # noqa: PLC0415

    found = reading.happening(reading.read(others, in_words(event.kind)))
    return reading.fill(replace(event, actor="", facts=kit.facts(By=event.actor)), found)


def identified(events: Iterable[Event], delivery: str, fingerprint: str) -> tuple[Event, ...]:
    """The events of a service that signs only the body: neither the delivery's id nor the event's name decides."""
    return tuple(
        replace(
            event,
            delivery=delivery,
            dedup_key=fingerprint,
            correlation_key=event.correlation_key or fingerprint,
        )
        for event in events
    )
