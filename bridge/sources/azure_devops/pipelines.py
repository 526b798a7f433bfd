"""What runs: builds, and runs of pipelines with their stages and jobs."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bridge.events import Event, Severity
from bridge.fields import Payload, at, dig, first, moment, objects, part
from bridge.rendering.filters import between
from bridge.rendering.text import in_words, one_line
from bridge.sources import forge, kit
from bridge.sources.azure_devops import messages
from bridge.sources.azure_devops.names import branch, is_service, outcome, person, pull_number, repository_url, scope
from bridge.sources.base import Ignored
from bridge.values import dataclass

# Why a build runs, where nobody asked for it. https://learn.microsoft.com/rest/api/azure/devops/build/builds/get#buildreason
_TRIGGERS = {
    "schedule": "its schedule",
    "scheduleforced": "its schedule",
    "buildcompletion": "another pipeline",
    "resourcetrigger": "another pipeline",
}
# Why it runs where somebody wanted it, or pushed what is built.
_ASKED = {
    *("", "none", "manual", "individualci", "batchedci", "pullrequest", "usercreated", "validateshelveset"),
    *("checkinshelveset", "triggered"),
}
_UNFINISHED = {"queued", "running"}
_NOT_YET = Ignored("It has not ended yet; its end is posted.")
# A pipeline without stages or jobs has one of each all the same, of this name.
_DEFAULT = "__default"
_MESSAGE = re.compile(r"((?:Build|Run) .{1,1000}?)(?: has)? (\w{1,50})\.?")


@dataclass(frozen=True)
class Place:
    """Where something runs. branch: of a fork with its owner. title: of the pull request or the commit."""

    pipeline: Payload
    repository: Payload
    ref: str
    branch: str
    title: str = ""
    is_fork: bool = False

    @property
    def pull(self) -> str:
        """The number of the pull request that it is for."""
        return pull_number(self.ref)

    @property
    def name(self) -> str:
        """The pipeline's name."""
        return dig(self.pipeline, "name") or "Pipeline"


def build(event: Event) -> Event | Ignored:
    """A build that came to its end."""
    resource = part(event.payload, "resource")
    definition = part(resource, "definition")
    if not definition:
        return _by_message(event)
    # XAML builds of old have the result as their status, and `LG:refs/heads/main:<commit>` as their version.
    _, old_ref, old_commit = [*dig(resource, "sourceGetVersion").split(":"), "", "", ""][:3]
    ref, sha = dig(resource, "sourceBranch") or old_ref, dig(resource, "sourceVersion") or old_commit
    trigger = part(resource, "triggerInfo")
    change = _text(trigger, "pr.title") or _text(trigger, "ci.message")
    is_fork = _text(trigger, "pr.isFork").lower() == "true"
    built = _of_fork(ref, trigger) if is_fork else branch(ref)
    place = Place(definition, part(resource, "repository"), ref, built, kit.first_line(change), is_fork)
    number = dig(resource, "buildNumber").removeprefix(f"{place.name}_")
    reason = dig(resource, "reason")
    cause = _TRIGGERS.get(reason.lower(), "" if reason.lower() in _ASKED else in_words(reason))
    problems = [
        dig(each, "message") for each in objects(resource, "validationResults") if dig(each, "result") == "error"
    ]
    return _ran(
        replace(
            event,
            actor="" if cause else _requester(resource),
            url=dig(resource, "_links.web.href") or event.url,
            facts=kit.facts(Change=place.title if not place.pull else ""),
        ),
        place,
        first(resource, ("result", "status")),
        name=f"{place.name} {number}".rstrip(),
        sha=sha,
        sha_url=_commit_url(dig(place.repository, "url"), sha),
        took=between(moment(resource, "startTime"), moment(resource, "finishTime")),
        trigger=cause,
        noun="build",
        text="\n\n".join(problems),
    )


def run(event: Event) -> Event | Ignored:
    """A run of a pipeline, or a stage or a job of one, whose state has changed."""
    resource = part(event.payload, "resource")
    noun = next((name for name in ("job", "stage", "run") if part(resource, name)), "")
    if not noun:
        return _by_message(event)
    subject, whole = part(resource, noun), part(resource, "run")
    state = first(subject, ("result", "state"))
    if noun == "job" and state.lower() == "waiting":  # for an agent
        return _NOT_YET
    pipeline = part(resource, "pipeline") or part(whole, "pipeline")
    self = part(whole, "resources.repositories.self")
    ref, sha = dig(self, "refName"), dig(self, "version")
    changes = [each for each in objects(resource, "repositories") if part(each, "change")]
    title = kit.first_line(dig(changes[0], "change.message")) if len(changes) == 1 else ""
    place = Place(pipeline, part(self, "repository"), ref, branch(ref), title)
    names = [_name(resource, each) for each in {"job": ("job", "stage"), "stage": ("stage",)}.get(noun, ())]
    start, end = ("createdDate", "finishedDate") if noun == "run" else ("startTime", "finishTime")
    return _ran(
        replace(
            event,
            url=dig(subject, "_links.web.href") or dig(whole, "_links.web.href") or event.url,
            facts=_changes(changes),
        ),
        place,
        state,
        name=_of(names, f"{place.name} {dig(whole, 'name')}".rstrip()),
        sha=sha,
        sha_url=_commit_url(dig(changes[0], "url"), sha) if len(changes) == 1 else "",
        took=between(moment(subject, start), moment(subject, end)) if dig(subject, "result") else "",
        noun=noun,
        stage=_name(resource, "stage") if noun != "run" else "",
    )


def located(event: Event, place: Place, **attributes: Any) -> Mapping[str, Any]:
    """Key, title, scope and attributes of what a pipeline does: its pull request, else its branch."""
    project = first(event.payload, ("resource.project.name", "resource.definition.project.name"))
    home, repository = kit.id_at(place.repository, "id"), dig(place.repository, "name")
    pull = kit.key("repo", home, "pull request", place.pull)
    pipeline = kit.key("pipeline", event.attributes["collection"], kit.id_at(place.pipeline, "id"))
    of_branch = kit.key(pipeline, place.branch)
    shown = f"on {place.branch}" if place.branch else ""
    return {
        "correlation_key": pull or of_branch or event.correlation_key,
        "title": kit.title(f"PR {place.pull} {place.title}" if pull else f"{place.name} {shown}"),
        "scope": scope(project, repository) or event.scope,
        "attributes": kit.with_attributes(
            event,
            project=project,
            repository=repository,
            branch=place.branch,
            pipeline=place.name,
            fork=place.is_fork,
            **attributes,
        ),
    }


def _ran(
    event: Event, place: Place, result: str, *, noun: str, stage: str = "", text: str = "", **values: Any
) -> Event | Ignored:
    """The event as a run; nothing for one that has not ended."""
    if outcome(result) in _UNFINISHED:
        return _NOT_YET
    about = replace(event, **located(event, place, stage=stage, conclusion=result.lower()))
    value = forge.Run(
        outcome=outcome(result) or "neutral",  # it has ended
        branch="" if place.pull and place.branch == f"PR {place.pull}" else place.branch,
        reference=f"PR {place.pull} {place.title}".rstrip() if place.pull else "",
        noun=noun,
        **values,
    )
    return forge.ran(about, value, text=text, log_url=_log(event.url, value.outcome))


def _log(page: str, result: str) -> str:
    """Where the log of a build that failed is, beside the page of its results."""
    has_failed = forge.OUTCOMES.get(result, Severity.INFO) >= Severity.ERROR
    return f"{page}&view=logs" if has_failed and "/_build/results?buildId=" in page and "&view=" not in page else ""


def _by_message(event: Event) -> Event | Ignored:
    """A build or run of which there is only the message, whose last word is the outcome: `Build 2 failed`."""
    match = _MESSAGE.fullmatch(messages.line(event.payload))
    result = outcome(match[2]) if match else ""
    if result in _UNFINISHED:
        return _NOT_YET
    if not match or result not in forge.OUTCOMES:
        return event
    about = replace(event, attributes=kit.with_attributes(event, conclusion=match[2].lower()))
    return forge.ran(about, forge.Run(name=one_line(match[1], 120), outcome=result))


def _of_fork(ref: str, trigger: Payload) -> str:
    """The branch of a fork that was built, with who sent it: never as one of ours."""
    return forge.head(branch(_text(trigger, "pr.sourceBranch") or ref), _text(trigger, "pr.sender.name") or "fork")


def _text(trigger: Payload, name: str) -> str:
    """One of the texts that triggered a build; their names have dots."""
    value = trigger.get(name)
    return value if isinstance(value, str) else ""


def _requester(resource: Payload) -> str:
    """For whom a build runs; for XAML builds of old several may have asked."""
    asked = [at(resource, "requestedFor"), *(at(each, "requestedFor") for each in objects(resource, "requests"))]
    return kit.listed(person(each) for each in asked if not is_service(each))


def _changes(repositories: list[Mapping[str, Any]]) -> kit.Facts:
    """The newest commit of each repository that a run checks out, with its author, who need not have started it."""
    facts: dict[str, str] = {}
    for each in repositories:
        where = repository_url({"webUrl": dig(each, "url")}).rpartition("/")[2] if len(repositories) > 1 else ""
        author = dig(each, "change.author.name")
        message = kit.first_line(dig(each, "change.message"))
        facts[f"Change in {where}" if where else "Change"] = (
            f"{message}, by {author}" if message and author else message
        )
    return kit.facts(**facts)


def _name(resource: Payload, noun: str) -> str:
    """The name of a stage or a job for people; empty where the pipeline names none."""
    name = first(resource, (f"{noun}.displayName", f"{noun}.name"))
    return "" if name == _DEFAULT else name


def _of(names: list[str], whole: str) -> str:
    """`Compile in Deploy of firmware-ci 77`."""
    inner = " in ".join(filter(None, names))
    return f"{inner} of {whole}" if inner else whole


def _commit_url(repository: str, sha: str) -> str:
    page = repository_url({"webUrl": repository})
    return f"{page}/commit/{sha}" if "/_git/" in page and sha else ""
