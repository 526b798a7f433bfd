"""What Azure DevOps calls people, branches, repositories and results, for people."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from bridge.events import Event
from bridge.fields import Payload, dig, first
from bridge.rendering.text import one_line
from bridge.sources import kit

_REF = re.compile(r"refs/(heads|tags|pull)/(.+?)(?:/merge|/source)?")
_MENTION = re.compile(r"@<([0-9A-Fa-f-]{36})>")
# What Azure DevOps does itself, it does under these names.
_SERVICES = ("Microsoft.VisualStudio.Services.", "Microsoft.TeamFoundation.")

# Results and states of builds, runs, stages, jobs, deployments and approvals, as all code hosts have them.
# https://learn.microsoft.com/rest/api/azure/devops/build/builds/get#buildresult and the like
_OUTCOMES: Mapping[str, str] = {
    "succeeded": "succeeded",
    "partiallysucceeded": "partly_succeeded",
    "succeededwithissues": "partly_succeeded",
    "failed": "failed",
    "rejected": "rejected",
    "timedout": "timed_out",
    "canceled": "canceled",
    "cancelled": "canceled",
    "stopped": "canceled",
    "skipped": "skipped",
    "approved": "approved",
    "pending": "waiting_for_approval",
    "waiting": "waiting",
    "inprogress": "running",
    "running": "running",
    "started": "running",
    "canceling": "running",
    "cancelling": "running",
    "notstarted": "queued",
    "queued": "queued",
    "scheduled": "queued",
    "none": "",
    "undefined": "",
}


def outcome(result: str) -> str:
    """One of forge.OUTCOMES, or the service's own word."""
    return _OUTCOMES.get(result.lower(), result)


def is_service(value: Any) -> bool:
    """Whether an identity is Azure DevOps itself, which acts for schedules and policies."""
    return dig(value, "displayName").startswith(_SERVICES) or dig(value, "descriptor").startswith("s2s.")


def person(value: Any) -> str:
    """Somebody's name: people are objects, in work items also `Mona Lisa <mona@contoso.com>`."""
    name = value if isinstance(value, str) else dig(value, "displayName")
    if is_service(value) or name.startswith(_SERVICES):
        return "Azure DevOps"
    # Teams come as `[Pump]\Field team`, build services with their id behind them.
    name = re.sub(r"(?<!\s)\s*(?:<[^<>]*>|\(\w?[0-9a-f-]{36}\))$", "", name[:1000])
    return one_line(name.rpartition("\\")[2], 80)


def with_names(text: str, payload: Payload) -> str:
    """The text with the name in the place of each id that it mentions: `@Nora Banks`."""
    if not _MENTION.search(text):
        return text
    names = kit.names_by_id(payload, "id")
    return _MENTION.sub(lambda match: f"@{person(names.get(match[1].lower(), '')) or 'someone'}", text)


def branch(ref: str) -> str:
    """The short name of a ref: `main` of refs/heads/main, `PR 12` of refs/pull/12/merge."""
    match = _REF.fullmatch(ref)
    return f"PR {match[2]}" if match and match[1] == "pull" else match[2] if match else ref


def pull_number(ref: str) -> str:
    """The number of the pull request whose merge the ref is, or nothing."""
    match = re.fullmatch(r"refs/pull/(\d+)/merge", ref)
    return match[1] if match else ""


def repository_url(repository: Payload) -> str:
    """The repository's page. Some URLs carry the organization as their user."""
    url = first(repository, ("webUrl", "remoteUrl"))
    return re.sub(r"(?<=://)[^/@]*@", "", url).rstrip("/")


def scope(*names: str) -> str:
    """Project and repository, once where they are of one name: `Pump/firmware`."""
    return "/".join(dict.fromkeys(one_line(name, 80) for name in names if name))


def home(event: Event, repo: Payload, **attributes: Any) -> dict[str, Any]:
    """Scope and attributes of what happens in a repository."""
    project, name = dig(repo, "project.name"), dig(repo, "name")
    return {
        "scope": scope(project, name) or event.scope,
        "attributes": kit.with_attributes(event, project=project, repository=name, **attributes),
    }


def escaped(text: str) -> str:
    """Text as a part of a URL."""
    return quote(text, safe="")
