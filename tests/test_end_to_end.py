"""From a signed webhook to a thread in a group: the running bridge, over real HTTP."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bridge.limits import MAX_BODY
from tests.azurite import needs_azurite
from tests.local_stack import NAMES, PATIENCE, ROOT, issue, running, start, until

pytestmark = pytest.mark.hosts

SAMPLES = ROOT / "bridge/sources/github/samples"


@pytest.fixture(scope="module", params=["a file", pytest.param("Azure Storage", marks=needs_azurite)])
def stack(request, tmp_path_factory):
    """A bridge that keeps its outbox and queue there."""
    in_azure = request.param == "Azure Storage"
    account = {"AzureWebJobsStorage": request.getfixturevalue("storage").account()} if in_azure else {}
    with running(tmp_path_factory.mktemp("bridge"), **account) as stack:
        yield stack


_names = iter(NAMES)


@pytest.fixture
def group():
    """A group of this test's own."""
    return next(_names)


def sample(name: str) -> dict:
    return json.loads((SAMPLES / f"{name}.json").read_text())


def accepted(answers: list) -> list[str]:
    """How the posts name what those answers accepted."""
    return [entry[:12] for answer in answers for entry in answer.json()["accepted"]]


def test_an_issue_is_one_thread_with_its_story_in_order_and_another_issue_another_thread(stack, group):
    for step in ["issues.opened", "issues.labeled", "issue_comment.created", "issues.closed"]:
        answer = stack.send(step.split(".")[0], sample(step), group)
        assert answer.status_code == 202
        threads = stack.wait_for_posts(group, answer)
    ((topic, posts),) = threads
    assert topic == "#7 The pump runs dry · contoso/pump"
    news = ["opened this issue", "added label", "commented on this issue", "closed this issue"]
    assert [words in html for words, html in zip(news, posts, strict=True)] == [True] * 4
    other = stack.send("issues", issue("opened", 8), group)
    assert [len(posts) for _, posts in stack.wait_for_posts(group, other)] == [1, 4]


def test_a_burst_of_one_thing_is_one_post_in_the_order_of_its_events(tmp_path, group):
    actions = ["opened", "labeled", "assigned", "pinned", "closed", "reopened"]
    payloads = [issue(action, 3, label={"name": "bug"}, assignee={"login": "hubot"}) for action in actions]
    with running(tmp_path, BRIDGE_SETTLE_SECONDS="3") as stack:
        answers = [stack.send("issues", payload, group) for payload in payloads]
        ((_, posts),) = threads = stack.wait_for_posts(group, *answers)
    assert len(posts) == 1
    assert sorted(stack.posted(threads)) == sorted(accepted(answers))
    # The newest state is the card; what led there stands below it, in the order in which it happened.
    card, timeline = posts[0].split("octocat opened this issue", 1)
    assert "Reopened" in card
    shown = [timeline.index(words) for words in ("added label bug", "assigned", "pinned", "closed this issue")]
    assert shown == sorted(shown)


def test_the_same_delivery_sent_twice_is_one_post(stack, group):
    payload = issue("opened")
    answers = [stack.send("issues", payload, group, delivery="the same") for _ in range(2)]
    stack.wait_for_posts(group, *answers)
    answers.append(stack.send("issues", payload, group, delivery="the same"))
    assert {answer.text for answer in answers} == {answers[0].text}
    other = stack.send("issues", issue("opened"), group)
    assert sorted(stack.posted(stack.wait_for_posts(group, other))) == sorted(accepted([answers[0], other]))


REFUSED = {
    "signed with another secret": ({"secret": "another"}, 401),
    "unsigned": ({"secret": ""}, 401),
    "no JSON": ({"payload": b"no json"}, 400),
    "empty": ({"payload": b""}, 400),
    "too long": ({"payload": b" " * (MAX_BODY + 1)}, 413),
    "unknown group": ({"group": "nobody"}, 400),
}


def test_what_is_refused_gets_a_reason_and_is_not_posted(stack, group):
    for why, (change, status) in REFUSED.items():
        answer = stack.send(**{"event": "issues", "payload": issue("opened"), "group": group} | change)
        assert answer.status_code == status, why
        assert answer.json()["error"].endswith("."), why
    good = stack.send("issues", issue("opened"), group)
    assert stack.posted(stack.wait_for_posts(group, good)) == accepted([good])


def test_a_ping_is_answered_and_not_told(stack, group):
    answer = stack.send("ping", sample("ping"), group)
    assert (answer.status_code, list(answer.json())) == (200, ["ignored"])
    good = stack.send("issues", issue("opened"), group)
    assert stack.posted(stack.wait_for_posts(group, good)) == accepted([good])


def test_anyone_may_ask_whether_all_is_well_and_the_key_tells_more(stack):
    assert stack.get("/api/health").json() == {"ok": True}
    assert stack.get("/api/health/details").status_code == 401
    assert stack.get("/api/health/details", headers={"x-functions-key": "wrong"}).status_code == 401
    details = stack.get("/api/health/details", headers={"x-functions-key": "local"})
    delivery = {"ok", "open", "dead", "held", "backoff", "paused", "waiting", "version"}
    assert (details.status_code, set(details.json())) == (200, delivery | {"overdue", "sweep", "poison", "problems"})


@pytest.mark.parametrize(
    "fault",
    [{"kind": "429", "seconds": 1}, {"kind": "503", "seconds": 1}, "created-but-504", "drop-after"],
    ids=["throttled", "unavailable", "created, but a time-out", "created, but the connection broke"],
)
def test_whatever_graph_does_there_is_exactly_one_post(stack, group, fault):
    stack.fault(fault)
    opened_issue = issue("opened")
    opened = stack.send("issues", opened_issue, group)
    stack.wait_for_posts(group, opened)
    closed = stack.send("issues", opened_issue | {"action": "closed"}, group)
    ((_, posts),) = threads = stack.wait_for_posts(group, closed)
    assert len(posts) == 2
    assert stack.posted(threads) == accepted([opened, closed])


def test_an_identity_that_is_refused_holds_the_group_and_health_says_why(tmp_path, group):
    with running(tmp_path) as stack:
        stack.fault("app-only-refused")
        stack.send("issues", issue("opened"), group)
        until(lambda: stack.health()["held"])
        health = stack.health()
        (held,) = health["held"].values()
        assert "403" in held["reason"]
        assert (stack.get("/api/health").status_code, health["ok"], health["open"]) == (503, False, 1)


def test_what_was_accepted_survives_a_kill(tmp_path, group):
    with running(tmp_path, BRIDGE_SETTLE_SECONDS="5") as stack:
        payloads = [issue("opened") for _ in range(5)]
        with ThreadPoolExecutor(5) as pool:
            answers = list(pool.map(lambda payload: stack.send("issues", payload, group), payloads))
        assert {answer.status_code for answer in answers} == {202}
        until(lambda: stack.health()["open"] == 5)
        stack.kill()
    with running(tmp_path) as stack:
        threads = stack.wait_for_posts(group, *answers)
        assert sorted(stack.posted(threads)) == sorted(accepted(answers))


def test_wrong_settings_answer_503_and_say_which_but_not_their_values(tmp_path):
    wrong = {"BRIDGE_GROUP": "no-object-id", "BRIDGE_SETTLE_SECONDS": "soon", "BRIDGE_IDENTITY": "nobody-we-know"}
    with running(tmp_path, **wrong) as stack:
        assert stack.send("issues", issue("opened"), secret="").status_code == 503
        assert (stack.get("/api/health").status_code, stack.get("/api/health").json()) == (503, {"ok": False})
        shown = stack.get("/api/health/details?code=local").text + (tmp_path / "log").read_text()
    for name in ("BRIDGE_SETTLE_SECONDS", "BRIDGE_IDENTITY"):
        assert name in shown
    assert not [value for value in wrong.values() if value in shown]


def test_the_log_tells_an_events_story_without_a_secret(tmp_path, group):
    with running(tmp_path) as stack:
        answer = stack.send("issues", issue("opened"), group)
        stack.wait_for_posts(group, answer)
    (reference,) = accepted([answer])
    log = (tmp_path / "log").read_text()
    steps = [line.split()[1] for line in log.splitlines() if reference in line]
    assert steps == ["queued", "recorded", "planned", "delivered"]
    assert "demo-secret" not in log
    assert "Bearer" not in log


def test_two_bridges_do_not_fit_on_one_port(stack, tmp_path):
    port = stack.address.rpartition(":")[2]
    assert start(tmp_path, PORT=port).process.wait(PATIENCE) == 2
    assert (tmp_path / "log").read_text().startswith(f"bridge: Cannot use port {port}")


def test_the_stand_in_alone_says_how_to_use_it(tmp_path):
    with running(tmp_path, "bridge fake-graph") as stack:
        assert stack.get("/").status_code == 200
        assert stack.get("/api/health").status_code == 404
    assert f"{stack.address}/graph/v1.0" in Path(tmp_path / "log").read_text()
