"""bridge/sources/bitbucket: what Bitbucket Cloud sends, and in which thread it is posted."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bridge.entries import Target, content_of, entry_id
from bridge.errors import BadWebhook
from bridge.events import Event, Webhook
from bridge.local.sending import event_name
from bridge.rendering.renderer import Renderer
from bridge.sources.base import Ignored
from bridge.sources.bitbucket import BITBUCKET
from tests.look import parse

SAMPLES = Path(__file__).parent.parent / "bridge/sources/bitbucket/samples"
NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
RENDERER = Renderer()
REPO = "repo 00007003-0000-4000-8000-0000000000b0"
PULL, ISSUE, MAIN = f"{REPO} pull request 12", f"{REPO} issue 7", f"{REPO} refs/heads/main"
BRANCH, TAG, COMMIT = f"{REPO} refs/heads/fix/dry-run", f"{REPO} refs/tags/v2.4.0", f"{REPO} commit {'3c' * 20}"
NAME, DRY = "#12 Stop the pump when the tank is empty", "#7 The pump runs dry"


def answer(name: str, payload: object, delivery: str = "d-1") -> object:
    key = event_name(name, BITBUCKET.event_parts)
    return BITBUCKET.read(Webhook(BITBUCKET.headers(key, delivery), json.dumps(payload).encode()))


def read(name: str, payload: object) -> Event:
    (event,) = answer(name, payload)
    return event


def sample(name: str) -> dict:
    return json.loads((SAMPLES / f"{name}.json").read_text())


def summary(event: Event) -> str:
    return RENDERER.entry(event, "0" * 32, Target("g"), NOW).summary


def lines(event: Event) -> list[str]:
    return parse(RENDERER.entry(event, "0" * 32, Target("g"), NOW).html).shown


# By sample: its correlation key, how much it matters, and its summary's beginning.
TABLE = {
    "issue.comment_created": (ISSUE, "info", f"Nora Banks commented on {DRY}: The log says why"),
    "issue.created": (ISSUE, "warning", f"Mona Lisa opened {DRY}"),
    "issue.updated.assigned": (ISSUE, "info", f"Mona Lisa assigned {DRY} to Nora Banks"),
    "issue.updated.edited": (ISSUE, "info", f"Mona Lisa edited the description of {DRY}"),
    "issue.updated.priority": (ISSUE, "error", f"Mona Lisa changed the priority of {DRY} from major to blocker"),
    "issue.updated.state": (
        ISSUE,
        "info",
        f"Alex Darrow changed the state of {DRY} from open to resolved: Mended",
    ),
    "project.updated": (
        "project 00007002-0000-4000-8000-0000000000b0",
        "info",
        "Alex Darrow changed the settings of the project Pump: name",
    ),
    "pullrequest.approved": (PULL, "info", f"Mona Lisa approved {NAME}"),
    "pullrequest.changes_request_created": (PULL, "warning", f"Nora Banks requested changes to {NAME}"),
    "pullrequest.changes_request_removed": (PULL, "info", f"Nora Banks withdrew the request for changes to {NAME}"),
    "pullrequest.comment_created": (
        PULL,
        "info",
        f"Mona Lisa commented on {NAME}: Could this wait for settle(), @Alex",
    ),
    "pullrequest.comment_created.answer": (PULL, "info", f"Alex Darrow replied to a comment on {NAME}: Done, it does."),
    "pullrequest.comment_created.line": (PULL, "info", f"Mona Lisa commented on {NAME} at src/pump.c:84: The switch"),
    "pullrequest.comment_deleted": (PULL, "info", f"Mona Lisa deleted a comment on {NAME}"),
    "pullrequest.comment_resolved": (PULL, "info", f"Alex Darrow resolved a comment on {NAME}: The switch bounces"),
    "pullrequest.comment_updated": (PULL, "info", f"Mona Lisa edited a comment on {NAME}: The switch bounces"),
    "pullrequest.created": (PULL, "info", f"Alex Darrow opened {NAME}"),
    "pullrequest.created.draft": (PULL, "info", f"Alex Darrow opened {NAME} as a draft"),
    "pullrequest.fulfilled": (PULL, "info", f"Mona Lisa merged {NAME} into main"),
    "pullrequest.rejected": (PULL, "info", f"Alex Darrow declined {NAME}"),
    "pullrequest.unapproved": (PULL, "info", f"Mona Lisa withdrew approval of {NAME}"),
    "pullrequest.updated": (PULL, "info", f"Alex Darrow updated {NAME}"),
    "repo.commit_comment_created": (
        COMMIT,
        "info",
        "Nora Banks commented on the commit 3c3c3c3 Stop the pump when the tank is empty at",
    ),
    "repo.commit_status_updated.failed": (MAIN, "error", "Bench #81 failed on main at 3c3c3c3: 2 of 41 tests failed"),
    "repo.commit_status_updated.passed": (MAIN, "success", "Bench #81 succeeded on main at 3c3c3c3: 41 tests passed"),
    "repo.commit_status_updated.stopped": (COMMIT, "info", "Bench #81 was canceled at 3c3c3c3: Stopped by Nora Banks"),
    "repo.fork": (REPO, "info", "Nora Banks forked the repository contoso/firmware to norabanks/firmware"),
    "repo.push": (MAIN, "info", "Alex Darrow pushed 2 commits to main: Stop the pump when the tank is empty"),
    "repo.push.branch_created": (BRANCH, "info", "Alex Darrow created the branch fix/dry-run with 1 commit"),
    "repo.push.branch_deleted": (BRANCH, "info", "Alex Darrow deleted the branch fix/dry-run"),
    "repo.push.forced": (BRANCH, "info", "Alex Darrow force-pushed fix/dry-run from 2b2b2b2 to 3c3c3c3"),
    "repo.push.many": (MAIN, "info", "Alex Darrow pushed more than 5 commits to main: Stop the pump"),
    "repo.push.tag": (TAG, "info", "Alex Darrow created the tag v2.4.0"),
    "repo.transfer": (REPO, "info", "Alex Darrow accepted the transfer of the repository contoso/firmware"),
    "repo.updated": (REPO, "info", "Alex Darrow renamed the repository contoso/controller to contoso/firmware"),
}
IGNORED = {
    "issue.comment_created.empty": "changes nothing",
    "repo.commit_status_created.inprogress": "not ended",
    "repo.push.empty": "changes nothing",
    "repo.updated.empty": "changes nothing",
}
SEVERAL = "repo.push.several"


def test_every_sample_is_in_a_table():
    assert {path.stem for path in SAMPLES.glob("*.json")} == {*TABLE, *IGNORED, SEVERAL}


@pytest.mark.parametrize("name", TABLE)
def test_sample(name):
    event = read(name, sample(name))
    thread, severity, line = TABLE[name]
    assert (event.correlation_key, event.severity) == (thread, severity)
    assert summary(event).startswith(line)
    assert event.kind == ".".join(name.split(".")[:2])
    # Bitbucket says of pushes, forks and settings only that they were.
    is_untimed = name.startswith(("repo.push", "repo.fork", "repo.updated", "repo.transfer", "project."))
    assert event.occurred == (None if is_untimed else datetime(2026, 11, 23, 14, 3, 11, 428552, tzinfo=UTC))
    assert event.scope in {"contoso/firmware", "contoso"}
    assert event.url.startswith(("https://bitbucket.org/", "https://ci.contoso.com/"))


@pytest.mark.parametrize("name", IGNORED)
def test_what_says_nothing_is_ignored_with_a_reason(name):
    ignored = answer(name, sample(name))
    assert isinstance(ignored, Ignored)
    assert IGNORED[name] in ignored.reason


def test_a_push_of_several_refs_is_an_event_for_each_in_its_own_thread():
    events = answer(SEVERAL, sample(SEVERAL))
    assert [(event.correlation_key, summary(event)) for event in events] == [
        (MAIN, "Alex Darrow pushed 2 commits to main: Stop the pump when the tank is empty"),
        (TAG, "Alex Darrow created the tag v2.4.0 at 3c3c3c3"),
        (BRANCH, "Alex Darrow deleted the branch fix/dry-run, which was at 3c3c3c3"),
    ]
    assert len({entry_id(event, place, "g") for place, event in enumerate(events)}) == 3


def test_commits_have_their_subject_and_the_short_hash_and_of_many_the_rest_is_named():
    event = read("repo.push", sample("repo.push"))
    assert [line for line in lines(event) if line.startswith(("3c", "2b"))] == [
        "3c3c3c3 Stop the pump when the tank is empty",
        "2b2b2b2 Poll the float switch every tick",
    ]
    assert "Alex Darrow pushed 2 commits to main, written by Alex Darrow and Mona Lisa" in lines(event)
    many = sample("repo.push")
    commits = many["push"]["changes"][0]["commits"]
    many["push"]["changes"][0]["commits"] = [commits[0] | {"hash": f"{place:040x}"} for place in range(13)]
    assert "and 3 more" in lines(read("repo.push", many))
    assert "See all commits" in lines(read("repo.push.many", sample("repo.push.many")))


def test_people_in_a_text_have_their_names():
    event = read("pullrequest.created", sample("pullrequest.created"))
    assert "@Mona Lisa has tried it on the bench" in lines(event)
    unnamed = sample("pullrequest.created")
    unnamed["pullrequest"]["summary"]["html"] = ""
    assert "@someone has tried it on the bench" in lines(read("pullrequest.created", unnamed))


@pytest.mark.parametrize("name", ["pullrequest.approved", "repo.push.branch_deleted"])
def test_the_same_body_is_one_delivery_whatever_its_unsigned_id(name):
    contents = {content_of(answer(name, sample(name), delivery)[0], 0, 900.0, "") for delivery in ("d-1", "d-2")}
    assert len(contents) == 1


def test_what_is_no_event_of_bitbuckets_is_refused():
    with pytest.raises(BadWebhook, match="X-Event-Key"):
        BITBUCKET.read(Webhook({}, b"{}"))
    with pytest.raises(BadWebhook, match="JSON object"):
        BITBUCKET.read(Webhook({"X-Event-Key": "repo:push"}, b"[]"))


def test_an_unknown_event_is_posted_plainly():
    event = read("repo.starred", {"repository": sample("repo.fork")["repository"], "actor": {"nickname": "mona"}})
    assert summary(event) == "The repository contoso/firmware: starred by mona"
    event = read("pipeline.span_created", {"actor": {"nickname": "mona"}})
    assert summary(event) == "Bitbucket pipeline: span created by mona"
    event = read("pipeline.ended", {"actor": {"nickname": "mona"}, "pipeline": {"name": "Deploy"}})
    assert (summary(event), event.facts) == ("Pipeline ended: Deploy", (("By", "mona"),))


def test_every_event_has_every_attribute():
    names = {frozenset(read(name, sample(name)).attributes) for name in TABLE}
    assert len(names) == 1
    event = read("pullrequest.created", sample("pullrequest.created"))
    assert event.attributes["reviewers"] == ["Mona Lisa", "Nora Banks"]
    assert (event.attributes["branch"], event.attributes["source_branch"]) == ("main", "fix/dry-run")
    assert event.attributes["private"] is True
