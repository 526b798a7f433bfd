"""The checklist: what a person reads when posts do not come."""

import contextlib
import json
import os
import sys
import time
from pathlib import Path

import pytest
import requests

from bridge.cli import main as cli
from bridge.deliveries import DeliveryRecord, EventRecord, Outcome
from bridge.local.fake_graph.faults import Fault
from bridge.outbox.rows import DeadLetter, Hold
from bridge.outbox.sqlite import SqliteOutbox
from bridge.sources import SOURCES
from tests.graph_servers import GROUP, closed_port, fake_graph_at
from tests.local_stack import running, workplace
from tests.microsoft import microsoft

OTHER = "00000000-0000-4000-8000-0000000000d1"


@pytest.fixture
def fake_graph(tmp_path, monkeypatch):
    """The stand-in for Graph, and an environment that knows of nothing else."""
    before = dict(os.environ)
    for name in [name for name in os.environ if name.startswith("BRIDGE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(workplace(tmp_path / "work"))
    with fake_graph_at(tmp_path) as (fake_graph, address):
        monkeypatch.setenv("BRIDGE_GRAPH_URL", f"{address}/graph/v1.0")
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"{address}/msi/token")
        yield fake_graph
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def doctor(capsys):
    """Runs the command; gives its exit status and its findings by subject."""

    def run(*arguments):
        capsys.readouterr()
        status = cli.main(["doctor", "--json", *arguments])
        report = json.loads(capsys.readouterr().out)
        assert report["ok"] is (status == 0)
        return status, {finding["subject"]: finding for finding in report["findings"]}

    return run


def test_everything_that_works_is_reported_as_ok(fake_graph, doctor):
    status, found = doctor()
    assert status == 0
    assert {subject: finding["verdict"] for subject, finding in found.items()} == {
        "settings": "ok",
        "sources": "ok",
        "routes": "ok",
        "templates": "ok",
        "storage": "ok",
        "token": "ok",
        "identity and channel": "warning",
        f"group {GROUP}": "ok",
    }
    assert "Group-Conversation.ReadWrite.All" in found["token"]["text"]
    assert fake_graph.threads(GROUP) == []


def test_a_person_reads_it_from_top_to_bottom(fake_graph, capsys):
    assert cli.main(["doctor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "ok       settings: identity managed-identity, channel threads, cloud global"
    assert max(map(len, lines)) <= 110
    assert {line[:9].strip() for line in lines} == {"ok", "warning", ""}


def test_a_test_thread_is_posted_and_read_back(fake_graph, doctor):
    status, found = doctor("--post")
    assert (status, found["test post"]["verdict"]) == (0, "ok")
    (thread,) = fake_graph.threads(GROUP)
    assert thread.topic == "Test of the webhook bridge"
    assert found["test post"]["text"].endswith(thread.preview.split()[-1])


def test_a_test_thread_that_shows_late_is_waited_for(fake_graph, doctor):
    fake_graph.faults.add(Fault("late-visible", 2))
    assert doctor("--post")[1]["test post"]["verdict"] == "ok"


def test_a_refused_test_thread_says_why(fake_graph, doctor):
    fake_graph.faults.add(Fault("app-only-refused"))
    status, found = doctor("--post")
    assert (status, found["test post"]["verdict"]) == (1, "failed")
    assert "acts as a user" in found["test post"]["text"]


def test_without_a_token_nothing_further_is_checked(fake_graph, doctor, monkeypatch):
    monkeypatch.setenv("IDENTITY_HEADER", "wrong")
    status, found = doctor()
    assert (status, found["token"]["verdict"], list(found)[-1]) == (1, "failed", "token")


def test_every_group_is_checked_and_named(fake_graph, doctor, monkeypatch):
    monkeypatch.setenv("BRIDGE_CONFIG", f'[groups]\nops = {{ id = "{OTHER}", paused = true }}\nnext = "{GROUP}"')
    fake_graph.missing.add(GROUP)
    status, found = doctor()
    assert (status, found["group next"]["verdict"], found["group ops"]["verdict"]) == (1, "failed", "warning")
    assert "Check the group's id" in found["group next"]["text"]


def test_every_wrong_setting_is_a_finding(fake_graph, doctor, monkeypatch):
    monkeypatch.setenv("BRIDGE_IDENTITY", "nobody")
    monkeypatch.setenv("BRIDGE_SETTLE_SECONDS", "soon")
    status, found = doctor()
    assert (status, set(found)) == (1, {"settings"})


def test_a_template_that_does_not_compile_is_named(fake_graph, doctor, monkeypatch, tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "event.html").write_text("\n{% block topic %}")
    monkeypatch.setenv("BRIDGE_TEMPLATES", str(tmp_path / "own"))
    status, found = doctor()
    assert status == 1
    assert found["templates"]["text"].startswith("event.html, line 2: ")


def test_an_outbox_that_cannot_be_written_is_a_failure(fake_graph, doctor, monkeypatch, tmp_path):
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


def test_the_function_reports_wrong_settings(tmp_path):
    with running(tmp_path, BRIDGE_CHANNEL="pigeon") as stack:
        answer = stack.get("/api/doctor", params={"code": "local"})
        assert (answer.status_code, answer.json()["findings"][0]["subject"]) == (503, "settings")
        assert stack.get("/api/sign-in", params={"code": "local"}).status_code == 503


def test_routes_that_drop_everything_have_no_group_to_check(fake_graph, doctor, monkeypatch):
    monkeypatch.setenv("BRIDGE_GROUP", "")
    monkeypatch.setenv("BRIDGE_CONFIG", "[[route]]\ngroups = []")
    status, found = doctor("--post")
    assert (status, found["storage"]["verdict"], list(found)[-1]) == (0, "ok", "identity and channel")


def test_a_former_name_in_the_configuration_is_a_warning(fake_graph, doctor, monkeypatch):
    monkeypatch.setenv("BRIDGE_CONFIG", "[sources.lift.event]\ntitle = \"'Lift'\"\nthread = \"'7'\"")
    _, findings = doctor()
    assert findings["deprecated"]["verdict"] == "warning"
    assert "`thread` is called `correlation_key` today (line 3)" in findings["deprecated"]["text"]


def test_nothing_answers(doctor, fake_graph, monkeypatch):
    monkeypatch.setenv("BRIDGE_GRAPH_URL", f"http://127.0.0.1:{closed_port()}/graph/v1.0")
    status, found = doctor()
    assert (status, found[f"group {GROUP}"]["verdict"]) == (1, "failed")
    assert "no connection to Graph" in found[f"group {GROUP}"]["text"]


def test_no_secret_at_all_is_a_warning(fake_graph, doctor, monkeypatch):
    for source in SOURCES.values():
        monkeypatch.setenv(source.secret_setting, " ")
    status, found = doctor()
    assert (status, found["sources"]["verdict"]) == (0, "warning")
    assert "needs the function key" in found["sources"]["text"]


def test_the_secret_of_an_unknown_source_is_a_warning(fake_graph, doctor, monkeypatch):
    monkeypatch.setenv("BRIDGE_GITHBU_SECRET", "a-secret")
    _, found = doctor()
    assert found["settings"]["verdict"] == "warning"
    assert "BRIDGE_GITHBU_SECRET" in found["settings"]["text"]
    assert "did you mean `BRIDGE_GITHUB_SECRET`?" in found["settings"]["text"]


def test_a_secret_that_can_be_guessed_is_reported_with_its_setting(fake_graph, doctor, monkeypatch):
    monkeypatch.setenv("BRIDGE_GITLAB_SECRET", "a-secret")
    status, found = doctor()
    assert (status, found["sources"]["verdict"]) == (1, "failed")
    assert found["sources"]["text"].startswith("BRIDGE_GITLAB_SECRET has a key of fewer than 16 bytes")


def test_holds_and_dead_letters_are_reported(fake_graph, doctor):
    with contextlib.closing(SqliteOutbox(Path(".bridge/outbox.sqlite"))) as outbox:
        outbox.set_wait(OTHER, Hold(time.time() + 60, "Graph refuses it.", time.time()))
        outbox.add_dead_letter(DeadLetter("d" * 32, "", "{", "unreadable", "look", time.time()))
    status, found = doctor()
    assert status == 0
    assert found[f"on hold: {OTHER}"]["text"] == "Graph refuses it."
    assert "requeue" in found["dead letters"]["advice"]


def test_mail_looks_at_the_mailbox_and_the_groups_address(fake_graph, doctor, monkeypatch):
    monkeypatch.setenv("BRIDGE_CHANNEL", "mail")
    monkeypatch.setenv("BRIDGE_MAIL_FROM", "bridge@contoso.com")
    status, found = doctor()
    assert (status, found["mailbox"]["verdict"], found["confinement"]["verdict"]) == (0, "ok", "ok")
    fake_graph.missing.add("bridge@contoso.com")
    status, found = doctor()
    assert (status, found["mailbox"]["verdict"]) == (1, "failed")
    assert "BRIDGE_MAIL_FROM" in found["mailbox"]["text"]


def test_a_post_that_cannot_be_read_back_is_a_warning(fake_graph, doctor):
    # The first request looks at the group, the second looks for the post.
    fake_graph.faults.add(Fault("slow", 0, method="GET"), Fault("500", method="GET"))
    status, found = doctor("--post")
    assert (status, found["test post"]["verdict"]) == (0, "warning")
    assert "posted, but it cannot be read back" in found["test post"]["text"]


@pytest.fixture
def tenant(tmp_path, monkeypatch):
    """A tenant of Microsoft's own hosts, and the bridge's settings in it."""
    monkeypatch.chdir(workplace(tmp_path / "work"))
    with microsoft(tmp_path, permissions="microsoft") as cloud:
        for name, value in {**cloud.env, **cloud.settings, "BRIDGE_GRAPH_URL": "", "BRIDGE_GROUP": GROUP}.items():
            monkeypatch.setenv(name, value)
        yield cloud


def test_a_managed_identity_that_starts_threads_is_a_failure(tenant, doctor):
    status, found = doctor()
    assert (status, found["identity and channel"]["verdict"]) == (1, "failed")
    assert "BRIDGE_CHANNEL=mail" in found["identity and channel"]["text"]


def test_mail_permissions_of_the_whole_tenant_are_a_warning(tenant, doctor, monkeypatch):
    tenant.entra.user_assigned.roles |= {"Mail.Send", "Mail.ReadWrite"}
    monkeypatch.setenv("BRIDGE_CHANNEL", "mail")
    monkeypatch.setenv("BRIDGE_MAIL_FROM", "bridge@contoso.com")
    monkeypatch.setenv("BRIDGE_CONFIG", f'[groups]\nops = {{ id = "{GROUP}", mail = "ops@contoso.com" }}')
    status, found = doctor()
    assert (status, found["confinement"]["verdict"]) == (0, "warning")
    assert "make-mailbox.ps1" in found["confinement"]["advice"]


def test_the_missing_permission_of_a_user_is_named(tenant, doctor, monkeypatch):
    tenant.entra.agent.scopes = {"User.Read"}
    monkeypatch.setenv("BRIDGE_IDENTITY", "agent-user")
    status, found = doctor()
    assert (status, found["identity and channel"]["verdict"]) == (1, "failed")
    assert "Group-Conversation.ReadWrite.All" in found["identity and channel"]["text"]


def test_a_wrong_clock_is_a_warning(tenant, doctor, monkeypatch):
    tenant.entra.clock_offset = 600.0
    monkeypatch.setenv("BRIDGE_IDENTITY", "agent-user")
    _, found = doctor()
    assert (found["clock"]["verdict"], found["clock"]["text"][:40]) == (
        "warning",
        "this clock and the token issuer's are 10",
    )


@pytest.mark.skipif(sys.platform == "win32", reason="the program is a shell script")
def test_in_azure_nobody_is_signed_in_to_the_azure_cli(fake_graph, doctor, monkeypatch, tmp_path):
    program = tmp_path / "az"
    program.write_text("""#!/bin/sh\necho '{"accessToken": "opaque", "expires_on": 4102444800}'\n""")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("BRIDGE_IDENTITY", "developer")
    monkeypatch.setenv("WEBSITE_INSTANCE_ID", "0")
    _, found = doctor()
    assert "in Azure there is none" in found["identity and channel"]["text"]


def test_people_whom_routes_could_not_invite_are_named(fake_graph, doctor, monkeypatch):
    monkeypatch.setenv("BRIDGE_CONFIG", f'[[route]]\ngroups = ["{GROUP}"]\nparticipants = ["@reviewers"]')
    _, found = doctor()
    assert found["people"]["verdict"] == "ok"
    outbox = SqliteOutbox(Path(".bridge/outbox.sqlite"))
    happened = EventRecord("pull_request", unknown=("github:stranger",))
    outbox.note_delivery(DeliveryRecord("0" * 16, 60.0, "github", Outcome.ACCEPTED, 202, events=(happened,)))
    outbox.close()
    status, found = doctor()
    assert (status, found["people"]["verdict"]) == (0, "warning")
    assert found["people"]["text"] == "[people] does not name github:stranger (last 1970-01-01 00:01 UTC)"


def test_a_maintenance_is_a_reason_why_something_is_not_posted(fake_graph, doctor):
    assert cli.main(["maintenance", "start", "--for", "2h", "--match", "scope == 'db-03'"]) == 0
    status, found = doctor()
    assert (status, found["maintenance"]["verdict"]) == (0, "warning")
    assert "what matches `scope == 'db-03'` is collected" in found["maintenance"]["text"]
