"""The commands that find a webhook, show its story, and send it again."""

import base64
import contextlib
import itertools
import json
import os
import shutil
import subprocess
import time
from dataclasses import replace

import pytest

from bridge.again import requeue
from bridge.app import Bridge
from bridge.cli import main as cli
from bridge.configuration import Configuration
from bridge.deliveries import Outcome
from bridge.entries import Entry, from_message, to_message
from bridge.errors import CommandError, MessageError
from bridge.events import Webhook
from bridge.local.curl import curl_command
from bridge.outbox.azure_storage import Account
from bridge.outbox.payloads import PayloadBlobs, PayloadFiles
from bridge.outbox.rows import DeadLetter, Hold, State, ThreadRow
from bridge.outbox.sqlite import SqliteOutbox
from bridge.outbox.sqlite_queue import SqliteQueue
from bridge.payloads import CONTAINER, KeptPayload, from_bytes, to_bytes
from bridge.settings import Settings
from bridge.sources import SOURCES
from tests.azurite import needs_azurite
from tests.local_stack import ROOT, working_in
from tests.outbox_stand_ins import START
from tests.test_delivery_records import EVENT, delivery

GROUP = "00000000-0000-4000-8000-0000000000d0"
SECRET = "demo-secret-for-local-use-only"
TOKEN = "a1b2c3d4e5f60718"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    with working_in(tmp_path / "work", monkeypatch, "BRIDGE_", "PORT", "AzureWebJobsStorage") as folder:
        yield folder


@pytest.fixture
def outbox(folder):
    with contextlib.closing(SqliteOutbox(folder / ".bridge/outbox.sqlite")) as outbox:
        yield outbox


def bridge(**settings):
    env = {"BRIDGE_GROUP": GROUP, "BRIDGE_GITHUB_SECRET": SECRET, "BRIDGE_KEEP_PAYLOADS_HOURS": "24", **settings}
    return Bridge(Configuration.of(Settings.from_env(env)))


def received(folder, outbox, name="pull_request.opened", **headers):
    """The record and the entries of a webhook that came, was recorded, and whose payload is kept."""
    body = (ROOT / f"bridge/sources/github/samples/{name}.json").read_bytes()
    own = SOURCES["github"].headers(name.partition(".")[0], "the-delivery")
    sent = Webhook({**own, **SOURCES["github"].verifier.sign(body, SECRET), **headers}, body)
    receipt = bridge().receiver.receive("github", sent)
    (record,) = map(from_message, receipt.notes)
    outbox.note_delivery(record)
    for entry in receipt.entries:
        outbox.record(entry, time.time(), time.time())
    if receipt.payload:
        moment = time.strftime("%Y-%m-%dT%H-%M-%SZ", time.gmtime(record.at))
        PayloadFiles(folder / ".bridge" / CONTAINER).write(f"{moment}-guid", receipt.payload)
    return record, receipt.entries


def lines(capsys, *arguments, status=0):
    assert cli.main(["deliveries", *arguments]) == status
    return capsys.readouterr().out.splitlines()


@pytest.fixture
def four(outbox):
    """An accepted, an ignored, a dropped and a refused webhook."""
    outbox.note_delivery(delivery(1, events=(replace(EVENT, groups=(GROUP,), entries=("a" * 32,)),)))
    outbox.note_delivery(delivery(2, Outcome.IGNORED, reason="GitHub's ping: the webhook is set up.", kind=""))
    outbox.note_delivery(delivery(3, Outcome.DROPPED, reason="route 2 drops it: actor == 'x'", source="gitlab"))
    outbox.note_delivery(
        delivery(4, Outcome.REFUSED, status=401, reason="The signature is wrong.", kind="", event="", count=7)
    )
    return outbox


def test_webhooks_are_listed_newest_first_with_what_became_of_them(four, capsys):
    listed = lines(capsys)
    for line, words in zip(
        listed,
        [
            ("refused", "401", "7 of github", "The signature is wrong."),
            ("dropped", "200", "gitlab", "route 2 drops it"),
            ("ignored", "200", "pull_request", "GitHub's ping"),
            ("accepted", "202", "github", "pull_request.opened", "Stop the pump"),
        ],
        strict=True,
    ):
        assert [word for word in words if word not in line] == []


FILTERS = {
    "source": (["--source", "gitlab"], ["dropped"]),
    "outcome": (["--outcome", "refused"], ["refused"]),
    "text": (["--text", "stop pump"], ["accepted"]),
    "group": (["--group", GROUP], ["accepted"]),
    "group by name": (["--group", "ops"], ["accepted"]),
    "since": (["--since", "2027-01-15T08:00:03"], ["refused", "dropped"]),
    "until": (["--until", "2027-01-15T08:00:02Z"], ["ignored", "accepted"]),
    "limit": (["--limit", "1"], ["refused"]),
}


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--outcome", "posted"], "invalid choice: 'posted' (choose from "),
        (["--limit", "0"], "--limit: must be a whole number from 1"),
        (["--limit", "-5"], "--limit: must be a whole number from 1"),
    ],
)
def test_a_wrong_option_is_refused_in_plain_words(capsys, arguments, problem):
    assert cli.main(["deliveries", *arguments]) == 2
    said = capsys.readouterr().err
    assert problem in said
    assert "Outcome" not in said


@pytest.mark.parametrize(("arguments", "outcomes"), FILTERS.values(), ids=FILTERS)
def test_the_list_is_filtered(four, capsys, monkeypatch, arguments, outcomes):
    monkeypatch.setenv("BRIDGE_CONFIG", f'[groups]\nops = "{GROUP}"')
    assert [line.split()[2] for line in lines(capsys, *arguments)] == outcomes


def test_json_has_a_line_for_each(four, capsys):
    found = [json.loads(line) for line in lines(capsys, "--json")]
    assert [one["outcome"] for one in found] == ["refused", "dropped", "ignored", "accepted"]
    assert found[0]["time"] == "2027-01-15 08:00:04 UTC"


def test_an_empty_list_says_what_cannot_be_in_it(outbox, capsys):
    assert "without the function key that it needs" in lines(capsys)[0]
    assert cli.main(["deliveries", "--since", "yesterday"]) == 2
    assert "'yesterday' is not a time" in capsys.readouterr().err


def test_follow_shows_new_ones_as_they_come(four, capsys, monkeypatch):
    def later(_):
        if not later.done:
            later.done = True
            four.note_delivery(delivery(0, id="0" * 16, at=time.time(), delivery="new", reason="The newest."))
            return
        raise KeyboardInterrupt

    later.done = False
    monkeypatch.setattr(time, "sleep", later)
    assert cli.main(["deliveries", "--follow"]) == 130
    listed = capsys.readouterr().out.splitlines()
    assert [line.split()[2] for line in listed] == ["accepted", "ignored", "dropped", "refused", "accepted"]


def test_show_has_the_whole_story_of_a_delivered_webhook(folder, outbox, capsys):
    record, (entry,) = received(folder, outbox, **{"User-Agent": "GitHub-Hookshot/1"})
    (row,) = outbox.open_entries(GROUP)
    (row,) = outbox.change([replace(row, tries=2, answer="Graph answered 503.", attempt=TOKEN)])
    outbox.finish([row], [ThreadRow(entry.key, "the-thread", START, START)])
    for asked in (record.id, "the-delivery", entry.id, TOKEN):
        shown = "\n".join(lines(capsys, "show", asked))
        for text in (
            record.id,
            "by HMAC-SHA256 in X-Hub-Signature-256",
            "GitHub-Hookshot/1",
            "bytes, kept",
            "github/pull_request.html",
            "no route matches it, so it goes to BRIDGE_GROUP",
            "2 not sent",
            "Graph answered 503.",
            "delivered",
            "2027-01-15 08:00:00 UTC",
            f"/groups/{GROUP}/threads/the-thread/posts",
        ):
            assert text in shown


def test_show_says_what_an_entry_waits_for(folder, outbox, capsys):
    record, (entry,) = received(folder, outbox)
    (row,) = outbox.open_entries(GROUP)
    outbox.change([replace(row, state=State.DEFERRED, due=START, answer="Graph answered 429.")])
    outbox.set_wait(GROUP, Hold(START, "Graph refuses the identity.", START))
    shown = "\n".join(lines(capsys, "show", record.id))
    for text in ("deferred", "Graph answered 429.", "Graph refuses the identity.", "next try"):
        assert text in shown
    letter = DeadLetter(entry.id, GROUP, to_message(entry), "400: bad HTML", "Correct the template.", START, 3)
    outbox.move_to_dead_letters(*outbox.open_entries(GROUP), letter)
    shown = json.loads(lines(capsys, "show", record.id, "--json")[0])
    (story,) = shown["stories"]
    assert (story["state"], story["answer"], story["advice"]) == (
        "dead letter",
        "400: bad HTML",
        "Correct the template.",
    )


def test_show_says_so_where_there_is_no_record(outbox, capsys):
    assert cli.main(["deliveries", "show", "nothing"]) == 2
    assert "There is no record of nothing" in capsys.readouterr().err


def test_explain_shows_all_routes_in_the_same_form(capsys, monkeypatch):
    routes = "[[route]]\nwhen = \"actor == 'hubot'\"\ngroups = []\n[[route]]\nwhen = 'true'\ngroups = []\n"
    monkeypatch.setenv("BRIDGE_CONFIG", f"{routes}[[route]]\nwhen = \"scope == 'x'\"\ngroups = []")
    monkeypatch.setenv("BRIDGE_GROUP", GROUP)
    assert cli.main(["explain", "github", "pull_request.opened"]) == 0
    shown = capsys.readouterr().out
    assert "route 1   does not match: actor == 'hubot' [actor = monalisa]" in shown
    assert "route 2   drops it: true" in shown
    assert "route 3   not tried: route 2 decides: scope == 'x'" in shown


# Payloads, in both storages.


def files(request):
    return PayloadFiles(request.getfixturevalue("tmp_path") / CONTAINER)


def blobs(request):
    return PayloadBlobs(Account(request.getfixturevalue("storage").account()).container(CONTAINER))


@pytest.fixture(params=[files, pytest.param(blobs, marks=needs_azurite)])
def payloads(request):
    return request.param(request)


def test_a_payload_is_found_by_the_record_of_its_webhook(payloads):
    records = [delivery(1), delivery(2), replace(delivery(3), id="f" * 16)]
    kept = [KeptPayload(one.id, "github", "POST", {"x": "y"}, {}, b"a body\n\xff\0 of bytes") for one in records]
    records = [replace(one, payload=len(to_bytes(payload))) for one, payload in zip(records, kept, strict=True)]
    assert payloads.find(records[0]) is None
    # Three of the same size and second; the host may be a little late with the name.
    for number, payload in enumerate(kept):
        payloads.write(f"2027-01-15T08-0{number % 2}-01Z-guid{number}", to_bytes(payload))
    payloads.write("2027-01-15T08-00-01Z-other", b"x" * records[0].payload)
    assert [payloads.find(record) for record in records] == kept
    assert payloads.find(replace(records[0], payload=0)) is None
    assert payloads.find(replace(records[0], id="e" * 16)) is None


def test_payloads_in_files_are_purged_and_private(tmp_path):
    kept = PayloadFiles(tmp_path / CONTAINER)
    kept.purge(START)
    for name, at in (("old", START), ("new", START + 10)):
        kept.write(name, b"x")
        os.utime(tmp_path / CONTAINER / name, (at, at))
    kept.purge(START + 5)
    assert [path.name for path in (tmp_path / CONTAINER).iterdir()] == ["new"]
    assert (tmp_path / CONTAINER).stat().st_mode & 0o077 == 0


# Sending again.


def queued(folder):
    with contextlib.closing(SqliteQueue(folder / ".bridge/outbox.sqlite")) as queue:
        found = []
        while message := queue.take(60):
            found.append(from_message(message.body))
        return found


def test_a_kept_webhook_is_sent_again_as_news(folder, outbox, capsys):
    record, (entry,) = received(folder, outbox)
    assert cli.main(["resend", record.id]) == 0
    assert "1 entry is queued" in capsys.readouterr().out
    again, note = queued(folder)
    assert isinstance(again, Entry)
    assert (again.id != entry.id, again.content, again.place) == (True, "", "")
    assert (again.html, again.correlation_key) == (entry.html, entry.correlation_key)
    assert (note.outcome, note.entries) == (Outcome.ACCEPTED, (again.id,))
    assert record.id in note.authentication


def test_a_dry_run_sends_nothing_and_shows_todays_routes(folder, outbox, capsys, monkeypatch):
    record, _ = received(folder, outbox)
    monkeypatch.setenv("BRIDGE_CONFIG", "[[route]]\nwhen = \"actor == 'monalisa'\"\ngroups = []")
    assert cli.main(["resend", record.id, "--dry-run"]) == 0
    shown = capsys.readouterr().out
    assert "drops it: actor == 'monalisa' [actor = monalisa]" in shown
    assert queued(folder) == []


def test_resend_says_where_the_payload_is_not_kept(folder, outbox, capsys):
    outbox.note_delivery(delivery(1))
    assert cli.main(["resend", "delivery 1"]) == 2
    assert "was not kept: BRIDGE_KEEP_PAYLOADS_HOURS" in capsys.readouterr().err


SHAPES = {
    "github": "demo-secret-for-local-use-only",
    "gitlab": "demo-secret-for-local-use-only",
    "alertmanager": "demo-secret-for-local-use-only",
    "azure_devops": "demo-secret-for-local-use-only",
    "standard_webhooks": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "stripe": "demo-secret-for-local-use-only",
    "linear": "demo-secret-for-local-use-only",
}


@pytest.mark.skipif(not shutil.which("openssl"), reason="no openssl here")
@pytest.mark.parametrize("name", SHAPES)
def test_the_curl_command_signs_as_the_service_does(tmp_path, name):
    """A curl that writes down how it is called stands in for the real one."""
    stand_in = tmp_path / "curl"
    stand_in.write_text(
        f'#!/bin/sh\ncat > {tmp_path}/body\nfor one in "$@"; do printf "%s\\n" "$one"; done > {tmp_path}/args\n'
    )
    stand_in.chmod(0o700)
    source, body = SOURCES[name], b'{"title": "it\'s $HOME `x`", "webhookTimestamp": %d}\n' % (time.time() * 1000)
    payload = KeptPayload("f" * 16, name, "POST", {"content-type": "application/json"}, {}, body)
    script = curl_command(source, payload, "http://127.0.0.1/x", by_key=False)
    assert SHAPES[name] not in script
    env = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", source.secret_setting: SHAPES[name]}
    subprocess.run(["sh", "-c", script], env=env, check=True, timeout=30)
    given = (tmp_path / "args").read_text().splitlines()
    headers = dict(value.split(": ", 1) for option, value in itertools.pairwise(given) if option == "-H")
    if "-u" in given:
        password = given[given.index("-u") + 1].encode()
        headers["Authorization"] = f"Basic {base64.b64encode(password).decode()}"
    assert (tmp_path / "body").read_bytes() == body
    source.verifier.verify(Webhook(headers, body), (SHAPES[name],))


def test_a_body_of_bytes_and_the_function_key_fit_into_a_curl_command():
    payload = KeptPayload("f" * 16, "grafana", "POST", {}, {}, b"\xff\0")
    script = curl_command(SOURCES["grafana"], payload, "http://127.0.0.1/x", by_key=True)
    assert "printf %s /wA= | base64 -d" in script
    assert '"x-functions-key: $BRIDGE_FUNCTION_KEY"' in script
    with pytest.raises(CommandError, match="Only Amazon SNS can sign"):
        curl_command(SOURCES["aws_sns"], replace(payload, source="aws_sns"), "http://x/", by_key=False)


def test_as_curl_is_printed(folder, outbox, capsys):
    record, _ = received(folder, outbox)
    assert cli.main(["resend", record.id, "--as-curl", "--url", "https://bridge.example/api/webhooks/github"]) == 0
    shown = capsys.readouterr().out
    assert '"X-Hub-Signature-256: sha256=$SIGNATURE"' in shown
    assert "https://bridge.example/api/webhooks/github" in shown
    assert SECRET not in shown


# Dead letters.


def dead_letter(outbox, entry, reason="Graph answered 400: bad HTML. It says more.", at=START):
    letter = DeadLetter(entry.id, entry.group, to_message(entry), reason, "Correct the template.", at, 3)
    outbox.move_to_dead_letters(next(row for row in outbox.open_entries(GROUP) if row.entry.id == entry.id), letter)
    return letter


def test_dead_letters_have_a_line_each_and_details_on_demand(folder, outbox, capsys):
    _, (entry,) = received(folder, outbox)
    dead_letter(outbox, entry)
    assert cli.main(["dead-letters"]) == 0
    line, *rest = capsys.readouterr().out.splitlines()
    assert line.split()[0] == entry.id[:12]
    assert line.endswith("Graph answered 400: bad HTML")
    assert f"What helps ({entry.id[:12]}): Correct the template." in rest
    assert cli.main(["dead-letters", entry.id[:8]]) == 0
    assert "It says more." in capsys.readouterr().out
    assert cli.main(["dead-letters", "00000000"]) == 2


def test_a_dead_letter_is_rendered_again_where_its_payload_is_kept(folder, outbox, capsys, monkeypatch):
    _, (entry,) = received(folder, outbox)
    dead_letter(outbox, replace(entry, html="<p>old</p>"))
    templates = folder / "templates/github"
    templates.mkdir(parents=True)
    (templates / "pull_request.html").write_text(
        '{% extends "default:github/pull_request.html" %}{% block on_opened %}today\'s words{% endblock %}'
    )
    monkeypatch.setenv("BRIDGE_TEMPLATES", str(folder / "templates"))
    assert cli.main(["replay", "--since", "3650d"]) == 0
    assert "1 rendered again and requeued." in capsys.readouterr().out
    (row,) = outbox.open_entries(GROUP)
    assert row.entry.id == entry.id
    assert "today&#39;s words" in row.entry.html or "today's words" in row.entry.html
    assert outbox.dead_letters() == []


def test_replay_says_where_it_can_only_send_what_was_rendered_before(folder, outbox, capsys):
    _, (entry,) = received(folder, outbox)
    shutil.rmtree(folder / ".bridge" / CONTAINER)
    dead_letter(outbox, entry)
    assert cli.main(["replay", "--source", "github"]) == 0
    assert "1 requeued as it was rendered before: its payload is not kept." in capsys.readouterr().out


def test_a_dead_letter_that_todays_routes_drop_stays_one(folder, outbox):
    record, (entry,) = received(folder, outbox)
    letter = dead_letter(outbox, entry)
    app = bridge(BRIDGE_CONFIG="[[route]]\nwhen = 'true'\ngroups = []")
    payload = PayloadFiles(folder / ".bridge" / CONTAINER).find(record)
    with pytest.raises(MessageError, match="Today's routes drop this event"):
        requeue(app, letter, lambda _: payload)


def test_replay_takes_only_what_came_since_then(folder, outbox, capsys):
    _, (entry,) = received(folder, outbox)
    dead_letter(outbox, entry, at=time.time() - 7200)
    assert cli.main(["replay", "--since", "1h"]) == 2
    assert "No dead letter matches" in capsys.readouterr().err
    assert cli.main(["replay", "--since", "3h", "--source", "gitlab"]) == 2
    assert cli.main(["replay", "--since", "3h"]) == 0
    assert from_bytes(to_bytes(KeptPayload("f", "s", "POST", {}, {}, b"\n"))).body == b"\n"
