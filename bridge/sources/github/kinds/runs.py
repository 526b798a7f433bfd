"""What runs and ends: workflows, jobs, checks, statuses, the merge queue, Pages and imports."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from bridge.events import Event, Severity
from bridge.fields import Payload, dig, first, moment, objects
from bridge.rendering.filters import between, duration
from bridge.rendering.text import in_words
from bridge.sources import forge, kit
from bridge.sources.base import as_action
from bridge.sources.github.heads import Head, head_of, pull_request, started_by
from bridge.sources.github.keys import queued_pull_request
from bridge.sources.github.kind import Kind, with_details
from bridge.sources.github.titles import called, named, run_title

# https://docs.github.com/rest/checks/runs and https://docs.github.com/rest/deployments/statuses
_OUTCOMES = {
    "success": "succeeded",
    "built": "succeeded",
    "failure": "failed",
    "timed_out": "timed_out",
    "error": "failed",
    "errored": "failed",
    "startup_failure": "failed_to_start",
    "waiting": "waiting_for_approval",
    "cancelled": "canceled",
    "requested": "queued",
    "pending": "queued",
    "in_progress": "running",
}
_FAILED = {"failure", "timed_out"}
_ASKED_AGAIN = {"rerequested", "requested_action"}
# With which its state comes.
_ACTIONS = {"", "completed", "created", "in_progress", "pending", "queued", "requested", "waiting", *_ASKED_AGAIN}


def ran(event: Event, run: forge.Run, head: Head, number: int = 0, **details: Any) -> Event:
    """The event as a run at that head, for the pull request of that number."""
    home = dig(event.payload, "repository.html_url")
    action = dig(event.payload, "action")
    # What is done to it otherwise does not end it.
    outcome = run.outcome if action in _ACTIONS else as_action(action)
    found = replace(
        run,
        outcome=_OUTCOMES.get(outcome, outcome),
        took=run.took if action in _ACTIONS else "",
        branch=head.branch,
        sha=head.sha,
        sha_url=f"{home}/commit/{head.sha}" if home and head.sha and not head.fork else "",
        reference=f"#{number}" if number else "",
        reference_url=f"{home}/pull/{number}" if home and number else "",
    )
    return forge.ran(event, found, **details)


def _state(payload: Payload, thing: str) -> str:
    return first(payload, (f"{thing}.conclusion", f"{thing}.status"))


def _took(payload: Payload, thing: str, start: str, end: str) -> str:
    """How long it ran, once it has ended."""
    ended = dig(payload, f"{thing}.conclusion")
    return between(moment(payload, f"{thing}.{start}"), moment(payload, f"{thing}.{end}")) if ended else ""


def _attempt(payload: Payload, run: str, attempt: str) -> str:
    """The id of one attempt of a run; empty where a part is missing."""
    return kit.key(str(dig(payload, run, 0) or ""), str(dig(payload, attempt, 0) or ""))


def _workflow_run(event: Event) -> Event:
    payload = event.payload
    number = dig(payload, "workflow_run.run_number", 0)
    name = first(payload, ("workflow_run.name", "workflow.name"))
    who, who_url, trigger = started_by(payload, "workflow_run")
    run = forge.Run(
        name=f"{name or 'A workflow'}{f' #{number}' if number else ''}",
        outcome=_state(payload, "workflow_run"),
        took=_took(payload, "workflow_run", "run_started_at", "updated_at"),
        attempt=dig(payload, "workflow_run.run_attempt", 0),
        id=_attempt(payload, "workflow_run.id", "workflow_run.run_attempt"),
        trigger=trigger,
    )
    started = replace(event, actor=who)
    head = head_of("workflow_run", payload)
    return ran(started, run, head, pull_request(payload, "workflow_run"), actor_url=who_url)


def _workflow_job(event: Event) -> Event:
    payload = event.payload
    name, workflow = dig(payload, "workflow_job.name") or "A job", dig(payload, "workflow_job.workflow_name")
    failed = [
        (dig(step, "name"), "", in_words(_OUTCOMES[dig(step, "conclusion")]))
        for step in objects(payload, "workflow_job.steps")
        if dig(step, "conclusion") in _FAILED
    ]
    run = forge.Run(
        name=f"{name} of {workflow}" if workflow else name,
        outcome=_state(payload, "workflow_job"),
        took=_took(payload, "workflow_job", "started_at", "completed_at"),
        attempt=dig(payload, "workflow_job.run_attempt", 0),
        noun="job",
        jobs=failed,
        part_of=_attempt(payload, "workflow_job.run_id", "workflow_job.run_attempt"),
    )
    # Nobody says who started its run.
    return ran(replace(event, actor=""), run, head_of("workflow_job", payload))


def _check(thing: str, name: Callable[[Payload], str], start: str, end: str) -> Callable[[Event], Event]:
    def read(event: Event) -> Event:
        payload, head = event.payload, head_of(thing, event.payload)
        run = forge.Run(
            name=name(payload), outcome=_state(payload, thing), took=_took(payload, thing, start, end), noun="check"
        )
        number = pull_request(payload, thing)
        if (action := dig(payload, "action")) in _ASKED_AGAIN:
            asked = ran(event, replace(run, took=""), head, number, action=action, asked=_asked(payload))
            return replace(asked, severity=Severity.INFO)  # how it ended was posted before
        # A check's sender is an app or the author of the commit, and neither has started it.
        return ran(replace(event, actor=""), run, head, number, text=dig(payload, f"{thing}.output.summary"))

    return read


def _asked(payload: Payload) -> str:
    return dig(payload, "requested_action.identifier")


def _suite(payload: Payload) -> str:
    app = dig(payload, "check_suite.app.name")
    return f"Check suite of {app}" if app else "Check suite"


def _check_suite(event: Event) -> Event:
    home, sha = dig(event.payload, "repository.html_url"), dig(event.payload, "check_suite.head_sha")
    read = _check("check_suite", _suite, "created_at", "updated_at")(event)
    return replace(read, url=f"{home}/commit/{sha}/checks" if home and sha else event.url)


def _status(event: Event) -> Event:
    payload = event.payload
    run = forge.Run(dig(payload, "context") or "A check", dig(payload, "state"), noun="check")
    text = dig(payload, "description")
    return ran(replace(event, actor=""), run, head_of("status", payload), text=text, quoted=True)


def _page_build(event: Event) -> Event:
    payload = event.payload
    milliseconds = dig(payload, "build.duration", 0)
    run = forge.Run(
        name="The Pages build",
        outcome=dig(payload, "build.status"),
        took=duration(milliseconds / 1000) if milliseconds >= 1000 else "",
    )
    head = Head(sha=dig(payload, "build.commit"))
    return ran(replace(event, actor=""), run, head, text=dig(payload, "build.error.message"))


def _import(event: Event) -> Event:
    run = forge.Run(name="The import of the repository", outcome=dig(event.payload, "status"), noun="import")
    return ran(event, run, Head())


_QUEUE = named("Merge queue of", "merge_group.base_ref")


def _queued(payload: Payload) -> str:
    number = queued_pull_request(payload)
    return f"Pull request #{number}" if number else _QUEUE(payload)


def _merge_group(event: Event) -> Event:
    """Why the queue has let go of a pull request, if it has."""
    number = queued_pull_request(event.payload)
    reason = dig(event.payload, "reason") if dig(event.payload, "action") == "destroyed" else ""
    return with_details(
        replace(event, actor=""),
        pull=f"#{number}" if number else "",
        action=f"queue_{reason}" if reason in {"merged", "invalidated", "dequeued"} else event.details["action"],
        reason=reason,
    )


RUNS: Mapping[str, Kind] = {
    "workflow_run": Kind(
        noun="run",
        thing="workflow_run",
        title=run_title("workflow_run", "workflow_run.name", "workflow.name"),
        labels=(("Change", "workflow_run.display_title"), ("Trigger", "workflow_run.event")),
        read=_workflow_run,
    ),
    "workflow_job": Kind(
        noun="job",
        thing="workflow_job",
        title=run_title("workflow_job", "workflow_job.workflow_name"),
        times=("workflow_job.completed_at", "workflow_job.started_at", "workflow_job.created_at"),
        labels=(("Runner", "workflow_job.runner_name"),),
        read=_workflow_job,
    ),
    "check_suite": Kind(
        noun="check",
        thing="check_suite",
        title=run_title("check_suite", "check_suite.app.name"),
        labels=(("Change", "check_suite.head_commit.message"), ("Checks", "check_suite.latest_check_runs_count")),
        read=_check_suite,
    ),
    "check_run": Kind(
        noun="check",
        thing="check_run",
        title=run_title("check_run", "check_run.name"),
        urls=("check_run.html_url", "check_run.details_url"),
        labels=(("Result", "check_run.output.title"), ("Checked by", "check_run.app.name")),
        read=_check(
            "check_run", lambda payload: dig(payload, "check_run.name") or "A check", "started_at", "completed_at"
        ),
    ),
    "status": Kind(
        noun="check",
        title=run_title("status", "context"),
        urls=("target_url", "commit.html_url"),
        times=("updated_at", "created_at"),
        labels=(("Change", "commit.commit.message"),),
        read=_status,
    ),
    "merge_group": Kind(
        noun="pull request",
        title=_queued,
        times=("merge_group.head_commit.timestamp",),
        labels=(("Branch", "merge_group.base_ref"), ("Commit", "merge_group.head_sha")),
        read=_merge_group,
    ),
    "page_build": Kind(
        noun="build",
        thing="build",
        title=called("Pages"),
        labels=(("Pushed by", "build.pusher.login"),),
        read=_page_build,
    ),
    "repository_import": Kind(noun="import", title=called("Repository"), read=_import),
}
