"""bridge/sources/bitbucket_server: what Bitbucket Data Center sends, and in which thread it is posted."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bridge.entries import Target, content_of, entry_id
from bridge.errors import BadWebhook
from bridge.events import Event, Webhook
from bridge.rendering.renderer import Renderer
from bridge.sources.base import Ignored
from bridge.sources.bitbucket_server import BITBUCKET_SERVER
from tests.look import parse

SAMPLES = Path(__file__).parent.parent / "bridge/sources/bitbucket_server/samples"
NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
RENDERER = Renderer()
PULL, MAIN, COMMIT = "repo 73 pull request 12", "repo 73 refs/heads/main", f"repo 73 commit {'3c' * 20}"
NAME = "#12 Stop the pump when the tank is empty"


def answer(payload: object, **headers: str) -> object:
    return BITBUCKET_SERVER.read(Webhook(headers, json.dumps(payload).encode()))


def read(payload: object) -> Event:
    (event,) = answer(payload)
    return event


def sample(name: str) -> dict:
    return json.loads((SAMPLES / f"{name}.json").read_text())


def summary(event: Event) -> str:
    return RENDERER.entry(event, "0" * 32, Target("g"), NOW).summary


def lines(event: Event) -> list[str]:
    return parse(RENDERER.entry(event, "0" * 32, Target("g"), NOW).html).shown


# By sample: its correlation key, how much it matters, and its summary's beginning.
TABLE = {
    "mirror.repo_synchronized": (
        "repo 73 mirrors",
        "info",
        "The mirror Lyon of the repository",
    ),
    "pr.comment.added": (PULL, "info", f"Mona Lisa commented on {NAME}: Could this wait for settle()?"),
    "pr.comment.added.answer": (PULL, "info", f"Alex Darrow replied to a comment on {NAME}: Done, it does."),
    "pr.comment.added.line": (PULL, "info", f"Mona Lisa commented on {NAME} at src/pump.c:84: The switch bounces"),
    "pr.comment.added.task": (PULL, "info", f"Mona Lisa added a task to {NAME}: Try it on the bench."),
    "pr.comment.deleted": (PULL, "info", f"Mona Lisa deleted a comment on {NAME}"),
    "pr.comment.edited": (PULL, "info", f"Mona Lisa edited a comment on {NAME}: Could this wait"),
    "pr.declined": (PULL, "info", f"Alex Darrow declined {NAME}"),
    "pr.deleted": (PULL, "warning", f"Alex Darrow deleted {NAME}"),
    "pr.from_ref_updated": (PULL, "info", f"Alex Darrow pushed to {NAME}"),
    "pr.merged": (PULL, "info", f"Mona Lisa merged {NAME} into main"),
    "pr.modified": (PULL, "info", f"Alex Darrow renamed {NAME}"),
    "pr.modified.description": (PULL, "info", f"Alex Darrow edited the description of {NAME}"),
    "pr.modified.ready": (PULL, "info", f"Alex Darrow marked {NAME} as ready for review"),
    "pr.modified.several": (PULL, "info", f"Alex Darrow edited {NAME}"),
    "pr.modified.target": (PULL, "info", f"Alex Darrow changed the target of {NAME} to main"),
    "pr.opened": (PULL, "info", f"Alex Darrow opened {NAME}"),
    "pr.opened.draft": (PULL, "info", f"Alex Darrow opened {NAME} as a draft"),
    "pr.opened.fork": (PULL, "info", f"Nora Banks opened {NAME}"),
    "pr.reviewer.approved": (PULL, "info", f"Mona Lisa approved {NAME}"),
    "pr.reviewer.needs_work": (PULL, "warning", f"Nora Banks requested changes to {NAME}"),
    "pr.reviewer.unapproved": (PULL, "info", f"Mona Lisa withdrew approval of {NAME}"),
    "pr.reviewer.unapproved.changes": (PULL, "info", f"Nora Banks withdrew the request for changes to {NAME}"),
    "pr.reviewer.updated": (PULL, "info", f"Alex Darrow requested a review of {NAME} from Mona Lisa and"),
    "pr.reviewer.updated.both": (PULL, "info", f"Alex Darrow changed the reviewers of {NAME}"),
    "pr.reviewer.updated.removed": (
        PULL,
        "info",
        f"Alex Darrow withdrew the request for a review of {NAME} from",
    ),
    "project.modified": ("project 7", "info", "Alex Darrow changed the settings of the project Pump: name"),
    "repo.comment.added": (COMMIT, "info", "Nora Banks commented on the commit 3c3c3c3: Is an interrupt meant here?"),
    "repo.comment.deleted": (COMMIT, "info", "Nora Banks deleted a comment on the commit 3c3c3c3"),
    "repo.forked": ("repo 73", "info", "Nora Banks forked the repository PUMP/firmware to ~nora/firmware"),
    "repo.modified": ("repo 73", "info", "Alex Darrow renamed the repository PUMP/controller to PUMP/firmware"),
    "repo.modified.description": (
        "repo 73",
        "info",
        "Alex Darrow changed the settings of the repository PUMP/firmware",
    ),
    "repo.refs_changed": (MAIN, "info", "Alex Darrow pushed 2 commits to main: Stop the pump when the tank is empty"),
    "repo.refs_changed.branch_created": (
        "repo 73 refs/heads/fix/dry-run",
        "info",
        "Alex Darrow created the branch fix/dry-run",
    ),
    "repo.refs_changed.old": (MAIN, "info", "Alex Darrow pushed to main, now at 3c3c3c3"),
    "repo.refs_changed.tag_moved": (
        "repo 73 refs/tags/bench",
        "info",
        "Alex Darrow moved the tag bench from 1a1a1a1 to",
    ),
    "repo.secret_detected": ("repo 73 secrets", "error", "Alex Darrow pushed a secret to the repository PUMP/firmware"),
}
IGNORED = {
    "diagnostics.ping": "test of the connection",
    "pr.modified.empty": "changes nothing",
    "pr.to_ref_updated": "the push itself is posted",
}
SEVERAL = "repo.refs_changed.several"


def test_every_sample_is_in_a_table():
    assert {path.stem for path in SAMPLES.glob("*.json")} == {*TABLE, *IGNORED, SEVERAL}


@pytest.mark.parametrize("name", TABLE)
def test_sample(name):
    event = read(sample(name))
    thread, severity, line = TABLE[name]
    assert (event.correlation_key, event.severity) == (thread, severity)
    assert summary(event).startswith(line)
    assert name.startswith(event.kind)
    assert event.occurred == datetime(2026, 11, 23, 14, 3, 11, tzinfo=UTC)
    assert event.scope in {"PUMP/firmware", "PUMP"}
    assert event.url.startswith("https://git.contoso.com/")


@pytest.mark.parametrize("name", IGNORED)
def test_what_says_nothing_is_ignored_with_a_reason(name):
    ignored = answer(sample(name))
    assert isinstance(ignored, Ignored)
    assert IGNORED[name] in ignored.reason


def test_a_push_of_several_refs_is_an_event_for_each_in_its_own_thread():
    events = answer(sample(SEVERAL))
    assert [(event.correlation_key, summary(event)) for event in events] == [
        (MAIN, "Alex Darrow pushed to main, now at 3c3c3c3"),
        ("repo 73 refs/tags/v2.4.0", "Alex Darrow created the tag v2.4.0 at 3c3c3c3"),
        ("repo 73 refs/heads/fix/dry-run", "Alex Darrow deleted the branch fix/dry-run, which was at 3c3c3c3"),
    ]
    assert len({entry_id(event, place, "g") for place, event in enumerate(events)}) == 3


def test_commits_are_listed_where_the_version_sends_them_and_linked_where_it_does_not():
    assert "3c3c3c3 Stop the pump when the tank is empty" in lines(read(sample("repo.refs_changed")))
    old = read(sample("repo.refs_changed.old"))
    assert "See the changes" in lines(old)
    assert f"compare/commits?sourceBranch={'3c' * 20}&targetBranch={'1a' * 20}" in old.url


def test_each_edit_says_from_what_to_what():
    assert dict(read(sample("pr.modified")).facts) == {"Title": "Stop the pump → Stop the pump when the tank is empty"}
    assert dict(read(sample("pr.modified.target")).facts) == {"Target": "next → main"}


def test_where_a_fork_comes_from_is_said():
    assert "~nora:fix/dry-run → main" in lines(read(sample("pr.opened.fork")))


def test_addresses_are_made_where_links_lead_nowhere():
    opened = sample("pr.opened")
    opened["pullRequest"]["links"] = {"self": [None]}
    assert read(opened).url == "https://git.contoso.com/projects/PUMP/repos/firmware/pull-requests/12"
    opened["pullRequest"]["toRef"]["repository"]["links"] = {"self": [None]}
    assert read(opened).url == ""


def test_the_same_body_is_one_delivery():
    events = [answer(sample("pr.opened"), **{"X-Request-Id": delivery})[0] for delivery in ("a", "b", "a")]
    assert len({content_of(event, 0, 900.0, "") for event in events}) == 1
    # Its id is not signed: it distinguishes deliveries, and cannot make one of the same body new.
    first, other, again = (entry_id(event, 0, "g") for event in events)
    assert first == again != other


def test_what_is_no_event_of_bitbuckets_is_refused():
    with pytest.raises(BadWebhook, match="eventKey"):
        answer({"push": 1})


def test_an_unknown_event_is_posted_plainly():
    event = read(
        {"eventKey": "repo:archived", "actor": {"displayName": "Mona Lisa"}}
        | {"repository": sample(SEVERAL)["repository"]}
    )
    assert summary(event) == "The repository PUMP/firmware: archived by Mona Lisa"


def test_every_event_has_every_attribute():
    assert len({frozenset(read(sample(name)).attributes) for name in TABLE}) == 1
    event = read(sample("pr.opened"))
    assert event.attributes["reviewers"] == ["Mona Lisa", "Nora Banks"]
    assert (event.attributes["branch"], event.attributes["author"]) == ("main", "Alex Darrow")
