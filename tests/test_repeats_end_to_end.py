"""Equal bodies and hostile ids over HTTP: nothing that is news is lost, and no replay is posted."""

import contextlib
import json
import sqlite3

import pytest
import requests

from bridge.entries import VERSION
from tests.azurite import needs_azurite
from tests.local_stack import CONFIG, NAMES, issue, polling, running, until

pytestmark = pytest.mark.hosts

PUMP = """
[sources.pump.event]
delivery = "payload.id"
correlation_key = ["payload.pump"]
title = "payload.title"
"""


@pytest.fixture(scope="module", params=["a file", pytest.param("Azure Storage", marks=needs_azurite)])
def stack(request, tmp_path_factory):
    in_azure = request.param == "Azure Storage"
    account = {"AzureWebJobsStorage": request.getfixturevalue("storage").account()} if in_azure else {}
    config = {"BRIDGE_CONFIG": f"{CONFIG}\n[sources.plain]\n{PUMP}"}
    with running(tmp_path_factory.mktemp("bridge"), **account, **config) as stack:
        yield stack


_names = iter(NAMES[30:])


@pytest.fixture
def group():
    """A group of this test's own."""
    return next(_names)


def send(stack, source, payload, group, **headers):
    url = f"{stack.address}/api/webhooks/{source}"
    answer = requests.post(url, json=payload, params={"group": group, "code": "local"}, headers=headers, timeout=60)
    assert answer.status_code == 202, answer.text
    return answer


def accepted(*answers):
    return [entry_id[:12] for answer in answers for entry_id in answer.json()["accepted"]]


LEGACY = {
    state: {"ruleId": 7, "ruleName": "Pressure", "state": state, "title": f"[{state}] Pressure", "evalMatches": []}
    for state in ("alerting", "ok")
}
EQUAL = {
    "a title with the state": ("generic/plain", {"title": "down"}, {"title": "up"}),
    "a state": ("generic/plain", {"status": "down"}, {"status": "up"}),
    "Grafana's legacy webhook": ("grafana", LEGACY["alerting"], LEGACY["ok"]),
}


@pytest.mark.parametrize("wait", [True, False], ids=["one by one", "at once"])
def test_down_up_and_down_again_are_three_events(stack, wait):
    groups = {name: next(_names) for name in EQUAL}
    answers = {name: [] for name in EQUAL}
    for state in ("down", "up", "down", "up"):
        for name, (source, down, up) in EQUAL.items():
            about = {"service": "pump 7"} if source.startswith("generic") else {}
            payload = {"down": down, "up": up}[state] | about
            answers[name].append(send(stack, source, payload, groups[name]))
        if wait:
            for name, group in groups.items():
                stack.wait_for_posts(group, answers[name][-1])
    for name, group in groups.items():
        threads = stack.wait_for_posts(group, *answers[name])
        assert sorted(stack.posted(threads)) == sorted(accepted(*answers[name])), name
        assert len(set(accepted(*answers[name]))) == 4


def test_what_is_sent_again_is_posted_once(stack, group):
    first = send(stack, "grafana", LEGACY["alerting"], group)
    stack.wait_for_posts(group, first)
    again = [send(stack, "grafana", LEGACY["alerting"], group) for _ in range(3)]
    # What is recorded after a younger one was posted would be posted, too.
    with stack.outbox() as outbox:
        until(lambda: all(outbox.history(entry) for entry in accepted(*again)))
    last = send(stack, "grafana", LEGACY["ok"], group)
    threads = stack.wait_for_posts(group, last)
    assert sorted(stack.posted(threads)) == sorted(accepted(first, last))
    assert len(set(accepted(*again))) == 3


def test_a_signed_body_is_posted_once_whatever_a_replay_says_beside_it(stack, group):
    payload, other = issue("opened"), next(_names)
    first = stack.send("issues", payload, group, delivery="first")
    stack.wait_for_posts(group, first)
    replays = [
        stack.send("issues", payload, group, delivery="first"),
        stack.send("issues", payload, group, delivery="another"),
        stack.send("issues", payload, other, delivery="first"),
        stack.send("issues", payload, other, delivery="yet another"),
        stack.send("issue_comment", payload, group, delivery="again"),
    ]
    assert {replay.status_code for replay in replays} == {202}
    last = [stack.send("issues", issue("opened"), name) for name in (group, other)]
    for name, answer in zip((group, other), last, strict=True):
        stack.wait_for_posts(name, answer)
    assert sorted(stack.posted(stack.threads(group))) == sorted(accepted(first, last[0]))
    assert stack.posted(stack.threads(other)) == accepted(last[1])


@pytest.mark.parametrize("field", ["id", "pump", "title"])
def test_ids_of_33000_characters_are_accepted_and_keep_events_apart(stack, group, field):
    payload = {"id": f"{group} 1", "pump": f"{group} 7", "title": "Dry"}
    answers = []
    for number, end in enumerate("ab"):
        payload |= {"id": f"{group} {number}"} | {field: "x" * 33_000 + end}
        answers.append(send(stack, "generic/pump", payload, group))
    threads = stack.wait_for_posts(group, *answers)
    assert sorted(stack.posted(threads)) == sorted(accepted(*answers))
    assert len(threads) == (2 if field == "pump" else 1)
    # A repeat of it is known by its id.
    assert accepted(send(stack, "generic/pump", payload, group)) == accepted(answers[1])


def test_a_row_of_a_newer_version_is_set_aside_and_health_says_so(tmp_path):
    group = NAMES[0]
    settings = {"BRIDGE_OUTBOX": str(tmp_path / "outbox.sqlite"), "BRIDGE_SETTLE_SECONDS": "6"}
    with running(tmp_path, **settings) as stack:
        answers = [stack.send("issues", issue("opened"), group) for _ in range(3)]
        bad = answers[1].json()["accepted"][0]
        for _ in polling():
            if stack.health()["open"] == 3:
                break
        _spoil(tmp_path / "outbox.sqlite", bad)
        threads = stack.wait_for_posts(group, answers[0], answers[2])
        assert sorted(stack.posted(threads)) == sorted(accepted(answers[0], answers[2]))
        assert (stack.health()["open"], stack.health()["dead"]) == (0, 1)


def _spoil(path, entry_id):
    """Writes the row of an open entry as a newer version would."""
    with contextlib.closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as file:
        (message,) = file.execute("SELECT message FROM open WHERE id = ?", (entry_id,)).fetchone()
        newer = json.dumps(json.loads(message) | {"version": VERSION + 1})
        file.execute("UPDATE open SET message = ? WHERE id = ?", (newer, entry_id))
