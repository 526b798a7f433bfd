"""The checklist: what a person reads when posts do not come."""

import json
import os

import pytest
import requests

from bridge import cli
from bridge.local.mailbox_faults import Fault
from tests.graph_servers import GROUP, closed_port, mailbox_at
from tests.local_stack import running, workplace

OTHER = "00000000-0000-4000-8000-0000000000d1"


@pytest.fixture
def mailbox(tmp_path, monkeypatch):
    """The stand-in for Graph, and an environment that knows of nothing else."""
    before = dict(os.environ)
    for name in [name for name in os.environ if name.startswith("BRIDGE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(workplace(tmp_path / "work"))
    with mailbox_at(tmp_path) as (mailbox, address):
        monkeypatch.setenv("BRIDGE_GRAPH_URL", f"{address}/graph/v1.0")
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"{address}/msi/token")
        yield mailbox
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def doctor(capsys):
    """Runs the command; gives its exit status and its findings by subject."""

    def run(*arguments):
        status = cli.main(["doctor", "--json", *arguments])
        report = json.loads(capsys.readouterr().out)
        assert report["ok"] is (status == 0)
        return status, {finding["subject"]: finding for finding in report["findings"]}

    return run


def test_what_works_is_said_to_work(mailbox, doctor):
    status, found = doctor()
    assert status == 0
    assert {subject: finding["verdict"] for subject, finding in found.items()} == {
        "settings": "ok",
        "routes": "ok",
        "templates": "ok",
        "storage": "ok",
        "token": "ok",
        "identity and channel": "warning",
        f"group {GROUP}": "ok",
    }
    assert "Group-Conversation.ReadWrite.All" in found["token"]["text"]
    assert mailbox.threads(GROUP) == []


def test_a_person_reads_it_from_top_to_bottom(mailbox, capsys):
    assert cli.main(["doctor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "ok       settings: identity managed-identity, channel threads, cloud global"
    assert max(map(len, lines)) <= 110
    assert {line[:9].strip() for line in lines} == {"ok", "warning", ""}


def test_a_test_thread_is_posted_and_read_back(mailbox, doctor):
    status, found = doctor("--post")
    assert (status, found["test post"]["verdict"]) == (0, "ok")
    (thread,) = mailbox.threads(GROUP)
    assert thread.topic == "Test of the webhook bridge"
    assert found["test post"]["text"].endswith(thread.preview.split()[-1])


def test_a_test_thread_that_shows_late_is_waited_for(mailbox, doctor):
    mailbox.faults.add(Fault("late-visible", 2))
    assert doctor("--post")[1]["test post"]["verdict"] == "ok"


def test_a_refused_test_thread_says_why(mailbox, doctor):
    mailbox.faults.add(Fault("app-only-refused"))
    status, found = doctor("--post")
    assert (status, found["test post"]["verdict"]) == (1, "failed")
    assert "acts as a user" in found["test post"]["text"]


def test_without_a_token_nothing_behind_it_is_looked_at(mailbox, doctor, monkeypatch):
    monkeypatch.setenv("IDENTITY_HEADER", "wrong")
    status, found = doctor()
    assert (status, found["token"]["verdict"], list(found)[-1]) == (1, "failed", "token")


def test_every_group_is_looked_at_by_its_name(mailbox, doctor, monkeypatch):
    monkeypatch.setenv("BRIDGE_CONFIG", f'[groups]\nops = {{ id = "{OTHER}", paused = true }}\nnext = "{GROUP}"')
    mailbox.missing.add(GROUP)
    status, found = doctor()
    assert (status, found["group next"]["verdict"], found["group ops"]["verdict"]) == (1, "failed", "warning")
    assert "Check the group's id" in found["group next"]["text"]


def test_wrong_settings_are_told_one_by_one(mailbox, doctor, monkeypatch):
    monkeypatch.setenv("BRIDGE_IDENTITY", "nobody")
    monkeypatch.setenv("BRIDGE_SETTLE_SECONDS", "soon")
    status, found = doctor()
    assert (status, set(found)) == (1, {"settings"})


def test_a_template_that_does_not_compile_is_named(mailbox, doctor, monkeypatch, tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "event.html").write_text("\n{% block topic %}")
    monkeypatch.setenv("BRIDGE_TEMPLATES", str(tmp_path / "own"))
    status, found = doctor()
    assert status == 1
    assert found["templates"]["text"].startswith("event.html, line 2: ")


def test_an_outbox_that_cannot_be_written_is_told(mailbox, doctor, monkeypatch, tmp_path):
    (tmp_path / "outbox").mkdir()
    monkeypatch.setenv("BRIDGE_OUTBOX", str(tmp_path / "outbox"))
    status, found = doctor()
    assert (status, found["storage"]["verdict"]) == (1, "failed")


def test_the_same_checklist_is_a_function_with_the_key(tmp_path):
    with running(tmp_path) as stack:
        assert stack.get("/api/doctor").status_code == 401
        answer = stack.get("/api/doctor", params={"code": "local"})
        assert (answer.status_code, answer.json()["ok"]) == (200, True)
        posted = requests.post(f"{stack.address}/api/doctor", headers={"x-functions-key": "local"}, timeout=60)
        assert posted.json()["findings"][-1]["subject"] == "test post"


def test_the_function_tells_of_wrong_settings(tmp_path):
    with running(tmp_path, BRIDGE_CHANNEL="pigeon") as stack:
        answer = stack.get("/api/doctor", params={"code": "local"})
        assert (answer.status_code, answer.json()["findings"][0]["subject"]) == (503, "settings")
        assert stack.get("/api/sign-in", params={"code": "local"}).status_code == 503


def test_routes_that_drop_everything_have_no_group_to_look_at(mailbox, doctor, monkeypatch):
    monkeypatch.setenv("BRIDGE_GROUP", "")
    monkeypatch.setenv("BRIDGE_CONFIG", "[[route]]\ngroups = []")
    status, found = doctor("--post")
    assert (status, found["storage"]["verdict"], list(found)[-1]) == (0, "ok", "identity and channel")


def test_nothing_answers(doctor, mailbox, monkeypatch):
    monkeypatch.setenv("BRIDGE_GRAPH_URL", f"http://127.0.0.1:{closed_port()}/graph/v1.0")
    status, found = doctor()
    assert (status, found[f"group {GROUP}"]["verdict"]) == (1, "failed")
    assert "no connection to Graph" in found[f"group {GROUP}"]["text"]
