"""From recorded webhooks to a source: what is proposed and why, on the command line, over HTTP and for the page."""

import itertools
import json
import stat
import tomllib

import pytest
import requests

from bridge.configuration import Configuration
from bridge.errors import BadWebhook
from bridge.events import Webhook
from bridge.local.host.http_functions import Exchange
from bridge.local.learning.proposal import propose, source_name
from bridge.local.learning.trial import trial
from bridge.local.received import ReceivedWebhooks, from_file
from bridge.settings import Settings
from bridge.sources import SOURCES
from tests import forked
from tests.local_stack import CONFIG, GROUPS, environment, running, workplace

GROUP = "3c1d0d4e-0000-4000-8000-000000000001"
RAISED = {
    "event": "alarm.raised",
    "alarm": {
        "id": "AL-2231",
        "name": "Level low",
        "status": "Active",
        "severity": "major",
        "raisedAt": "2026-11-23T14:00:00Z",
    },
    "station": {"id": 7, "name": "Station 7"},
    "timestamp": "2026-11-23T14:03:00Z",
    "reading": {"value": 12, "threshold": 20, "unit": "%"},
    "message": "The tank is nearly empty.",
    "runbook": "https://wiki.contoso.example/tanks",
    "link": "https://scada.contoso.example/alarms/2231",
    "deliveryId": "d-1",
    "api_token": "do-not-show-this",
    "items": [{"name": "P1", "flow": 3}, {"name": "P2", "flow": 0}],
}  # fmt: skip
CLEARED = {
    **RAISED,
    "event": "alarm.cleared",
    "alarm": {**RAISED["alarm"], "status": "Cleared"},
    "timestamp": "2026-11-23T14:33:00Z",
    "reading": {"value": 55, "threshold": 20, "unit": "%"},
    "deliveryId": "d-2",
}


def webhooks(*payloads):
    return [Webhook({}, json.dumps(payload).encode()) for payload in payloads]


def proposed(*payloads):
    proposal = propose("tank", webhooks(*payloads))
    return proposal, tomllib.loads(proposal.table)["sources"]["tank"]


def test_two_webhooks_say_what_is_what_and_why():
    proposal, table = proposed(RAISED, CLEARED)
    assert table == {
        "title": "Tank",
        "let": {"over": "item.alarm.status|string|lower in ['cleared']"},
        "event": {
            "correlation_key": "item.alarm.id",
            "delivery": "item.deliveryId",
            "kind": "item.event",
            "title": "item.alarm.name",
            "url": "item.link",
            "text": "item.message",
            "occurred": "item.timestamp",
            "started": "item.alarm.raisedAt",
            "word": "item.alarm.status",
            "severity": "'success' if over else item.alarm.severity",
            "ends_thread": "over",
        },
        "details": {"noun": "'alarm'"},
        "meter": {
            "label": "'Reading value'",
            "value": "item.reading.value",
            "limit": "item.reading.threshold",
            "unit": "item.reading.unit",
            "direction": "'below'",
        },
        "table": {"each": "item['items']", "Name": "row.name", "Flow": "row.flow"},
        "facts": {"Station": "item.station.name"},
        "buttons": {"Open the runbook": "item.runbook"},
    }
    assert "# “AL-2231”: the same in several webhooks while the state changes" in proposal.table
    assert "# “d-1” or “d-2”: another one in each webhook" in proposal.table
    assert proposal.unsure == ()
    assert "do-not-show-this" not in proposal.table


def test_the_posts_are_one_thread_that_ends():
    proposal, _ = proposed(RAISED, CLEARED)
    found = trial(proposal.table, webhooks(RAISED, CLEARED))
    assert [(post.key, post.severity, post.ends_thread) for post in found.posts] == [
        ("AL-2231", "error", False),
        ("AL-2231", "success", True),
    ]
    assert found.problems == ()
    assert "It lasted 33 min." in found.posts[1].html


# A payload, what must be in its table, and what is said to be unsure.
CASES = {
    "one alarm": (
        [RAISED],
        {"correlation_key": "item.alarm.id", "title": "item.alarm.name"},
        ["which one is the end is a guess", "Whether item.alarm.id is still the same at the end"],
    ),
    "a list in an object": ([{"alerts": [RAISED, CLEARED]}], {"each": "payload.alerts"}, []),
    "a list": ([[RAISED, CLEARED]], {"correlation_key": "item.alarm.id"}, []),
    "unknown severity": (
        [{"title": "Dry", "severity": "wobbly", "state": "open"}],
        {"severity": "'success' if over else item.severity"},
        ["How bad “wobbly” is", "No value says when it happened"],
    ),
    "no state": ([{"title": "Dry", "time": "2026-11-23T14:00:00Z"}], {"title": "item.title"}, ["No value is a state"]),
    "a truth for the end": (
        [{"title": "Dry", "resolved": False}, {"title": "Dry", "resolved": True}],
        {"ends_thread": "over", "severity": "'success' if over else 'warning'"},
        [],
    ),
    "names that are no identifiers": (
        [{"detail-type": "Level low", 'the title\'s "name"': "x", "title": "A \\ 'b' \"c\"", "if": 1}],
        {"kind": "item['detail-type']", "title": "item.title"},
        ["No id is known to stay the same"],
    ),
    "nothing at all": ([{}], {"title": "'tank'"}, ["Nothing says what a webhook is about"]),
    "a title that differs": (
        [
            {"id": "AL-1", "title": "FIRING Dry", "status": "firing"},
            {"id": "AL-1", "title": "OK Dry", "status": "ok"},
        ],
        {"correlation_key": "item.id", "title": "item.title"},
        ["The title differs with the state"],
    ),
    "a CloudEvent": (
        [{"specversion": "1.0", "type": "a.b", "source": "/s", "id": "1", "data": {"title": "Dry"}}],
        {"title": "item.data.title"},
        [],
    ),
}


@pytest.mark.parametrize(("payloads", "lines", "unsure"), CASES.values(), ids=CASES)
def test_what_is_proposed_and_what_is_unsure(payloads, lines, unsure):
    proposal, table = proposed(*payloads)
    assert {key: table["event"].get(key) for key in lines} == lines
    for sentence in unsure:
        assert any(sentence in said for said in proposal.unsure), proposal.unsure
    found = trial(proposal.table, webhooks(*payloads))
    assert found.posts
    assert found.problems == ()


SAMPLES = [
    pytest.param([first, *more], id=f"{source.name}-{first.name}")
    for source in SOURCES.values()
    for first, more in [(files[0], files[1:2]) for files in [sorted(source.samples.glob("*.json"))]]
]


@pytest.mark.parametrize("files", SAMPLES)
def test_every_proposal_loads_and_makes_a_post(files):
    found = list(itertools.chain.from_iterable(map(from_file, files)))
    proposal = propose("own", found)
    tried = trial(proposal.table, found)
    assert tried.problems == ()
    assert tried.posts
    assert all(post.topic for post in tried.posts)


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ("[sources.tank", "The table is not TOML"),
        ("[sources.tank.event]\ntitle = 'itm.x'", "the source tank: `event`: `title` has an unknown name 'itm'"),
        (f"a = {'[' * 5000}", "The table cannot be read: it is nested too deeply"),
        (f"a = {'9' * 5000}", "The table is not TOML: Exceeds the limit"),
        ("sources = 3", "[sources] must be a table"),
        ("", "The table must declare one source"),
        ("[sources.a]\n[sources.b]", "The table must declare one source"),
        ("[sources.tank.event]\nignore = \"'a test'\"", "Nothing is posted: a test"),
        ("[sources.tank.event]\ntitle = '1 / 0'", "`title` of the source tank cannot be evaluated: ZeroDivisionError"),
    ],
)
def test_a_trial_says_what_is_wrong_with_a_table(table, problem):
    assert problem in " ".join(trial(table, webhooks(RAISED)).problems)


def test_a_trial_shows_the_first_posts_of_a_webhook_with_many_events():
    many = [Webhook({}, json.dumps([{"title": f"Tank {number}"} for number in range(300)]).encode())]
    tried = trial(propose("tank", many).table, many)
    assert (len(tried.posts), tried.problems) == (20, ("Of the 300 events of a webhook, the first 20 are shown.",))


def test_names_of_sources():
    assert [source_name(text) for text in ("Tank alarms", "7 pumps", "__", "x" * 60)] == [
        "tank_alarms", "source_7_pumps", "source", "x" * 40,
    ]  # fmt: skip


def test_what_is_not_json_is_refused_and_text_is_a_post():
    with pytest.raises(BadWebhook):
        propose("tank", [Webhook({}, b"{")])
    text = [Webhook({}, b"The tank is empty")]
    assert trial(propose("tank", text).table, text).posts[0].topic == "The tank is empty"


# The webhooks that the local host keeps


def exchange(path="/api/webhooks/generic/tank", body=b"{}", status=202, **headers):
    return Exchange("POST", path, {"content-type": "application/json", **headers}, body, status, b"", [])


def test_the_last_ones_of_each_source_are_kept_without_secrets(tmp_path):
    kept = ReceivedWebhooks(tmp_path / "received", ["hush"])
    for number in range(12):
        kept.add(exchange(body=b"%d" % number))
    secrets = {"authorization": "Bearer x", "x-functions-key": "k", "x-hub-signature-256": "s", "x-own": "hush 7"}
    kept.add(exchange("/api/webhooks/github", b'["hush \xff"]', **secrets, **{"x-github-event": "push"}))
    assert kept.names() == ["github", "tank"]
    assert [webhook.body for webhook in kept.last("tank", 3)] == [b"11", b"10", b"9"]
    assert len(kept.last("tank")) == 10
    (webhook,) = kept.last("github")
    assert webhook.headers == {"content-type": "application/json", "x-github-event": "push"}
    assert webhook.body == b'["(hidden) \xff"]'
    assert stat.S_IMODE((tmp_path / "received/tank").stat().st_mode) == 0o700


@pytest.mark.parametrize(
    "other",
    [
        exchange(status=401),
        exchange(status=503),
        exchange("/api/health"),
        exchange("/api/webhooks/../../x"),
        exchange(body=None, status=413),
        exchange(body=b"x" * (1 << 21)),
    ],
)
def test_nothing_else_is_kept(tmp_path, other):
    kept = ReceivedWebhooks(tmp_path)
    kept.add(other)
    assert (kept.names(), kept.last("../tank"), list(tmp_path.iterdir())) == ([], [], [])


# The command line, and a declared source over HTTP


def learn(folder, *arguments, **settings):
    return forked.run(["bridge", "learn", *arguments], folder, environment(**settings))


def test_any_json_is_taken_for_a_title_alone_and_learned_from(tmp_path):
    group, key = "group-0", {"x-functions-key": "local"}
    settings = {"BRIDGE_CONFIG": f'{CONFIG}\n[sources.tank]\ntitle = "Tank"', "BRIDGE_GROUP": GROUPS[group]}
    with running(tmp_path, **settings) as stack:
        url = f"{stack.address}/api/webhooks/generic/tank"
        bodies = [
            (json.dumps(RAISED).encode(), {}),
            (b"title=Backup+failed&severity=error", {"Content-Type": "application/x-www-form-urlencoded"}),
            (b"The disk of db-1 is full", {"Content-Type": "text/plain"}),
        ]
        answers = [requests.post(url, body, headers=key | headers, timeout=30) for body, headers in bodies]
        answers.append(requests.post(url, files={"note": (None, "Lift 2 is stuck")}, headers=key, timeout=30))
        assert [answer.status_code for answer in answers] == [202] * 4
        assert requests.post(url, b"{}", timeout=30).status_code == 401
        topics = [topic for topic, _ in stack.wait_for_posts(group, *answers)]
        assert len(topics) == 4
        assert {"Backup failed", "The disk of db-1 is full"} <= set(topics)

        name, posted = stack.get("/page/received").json(), {"name": "tank", "count": 4}
        made = requests.post(f"{stack.address}/page/learn", json=posted, timeout=60).json()
        assert (name, len(made["webhooks"]), made["problems"]) == (["tank"], 4, [])
        edited = {"table": "[sources.tank.event]\ntitle = \"'Mine'\"", "webhooks": made["webhooks"][:1]}
        tried = requests.post(f"{stack.address}/page/trial", json=edited, timeout=60).json()
        assert [post["topic"] for post in tried["posts"]] == ["Mine"]
    found = learn(tmp_path, "--last", "tank", "--count", "1", **settings)
    assert found.returncode == 0, found.stderr
    assert "[sources.tank]" in found.stdout
    assert "received nothing yet" not in found.stderr
    assert learn(tmp_path, "--last", "nobody", **settings).stderr == (
        "bridge: The local bridge has received no webhook of 'nobody'; it has received tank.\n"
    )


def test_files_become_a_table_a_post_and_a_page(tmp_path):
    folder = workplace(tmp_path)
    (folder / "Raised 1.json").write_text(json.dumps(RAISED))
    (folder / "all.jsonl").write_text(f"{json.dumps(RAISED)}\n{json.dumps(CLEARED)}\n")
    found = learn(folder, "Raised 1.json", "all.jsonl", "--html", "post.html")
    assert found.returncode == 0, found.stderr
    assert Configuration.of(Settings(GROUP, found.stdout)).sources["raised_1"].title == "Raised 1"
    assert "Post 3 of 3, in the thread “AL-2231”, which ends the thread" in found.stderr
    assert "Reading value 12 %, minimum 20 %" in found.stderr
    assert (folder / "post.html").read_text().count("Open the runbook") == 3
    assert "[sources.own_github]" in learn(folder, "Raised 1.json", "--name", "github").stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Give files with the bodies of webhooks, or --last NAME."),
        (["nothing.json"], "Cannot read nothing.json"),
        (["host.json", "--name", "No name"], "'No name' is no name for a source"),
        (["host.json", "--html", "no/where"], "Cannot write no/where"),
        (["host.json", "--last", "x"], "Give files"),
    ],
)
def test_a_mistake_is_one_line(tmp_path, arguments, message):
    found = learn(workplace(tmp_path), *arguments)
    assert (found.returncode, found.stderr.splitlines()[-1][:8]) == (2, "bridge: ")
    assert message in found.stderr
    assert "Traceback" not in found.stderr
