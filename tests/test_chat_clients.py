"""Clients that people use, with their addresses replaced: over HTTP, against the functions as `make run` runs them."""

import contextlib
import shutil
import subprocess
from datetime import UTC, datetime, timedelta

import pymsteams
import pytest
import requests
from slack_sdk.models.attachments import Attachment
from slack_sdk.models.blocks import ActionsBlock, ButtonElement, HeaderBlock, SectionBlock
from slack_sdk.webhook import WebhookClient

from tests.graph_servers import closed_port
from tests.local_stack import polling, running, until
from tests.look import parse

pytestmark = pytest.mark.hosts

ALERTMANAGER = next(filter(None, map(shutil.which, ("prometheus-alertmanager", "alertmanager"))), "")


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    with running(tmp_path_factory.mktemp("chat")) as started:
        yield started


def address(stack, name, group, **query):
    more = "".join(f"&{key}={value}" for key, value in query.items())
    return f"{stack.address}/api/webhooks/{name}?code=local&group={group}{more}"


def wait_for(stack, group, posts):
    """The threads of a group as soon as they have so many posts, each with the text of its posts."""
    for _ in polling():
        threads = stack.threads(group)
        if sum(len(found) for _, found in threads) >= posts:
            return threads
    raise AssertionError(f"{group} has {stack.threads(group)}")


def test_the_client_of_slack(stack):
    client = WebhookClient(address(stack, "slack", "group-1"))
    plain = client.send(text="The pump *runs dry*")
    blocks = client.send(
        text="Release 4.2",
        blocks=[
            HeaderBlock(text="Release 4.2"),
            SectionBlock(text="It *stops* the pump", fields=["*Version*\n4.2", "*Stage*\nProduction"]),
            ActionsBlock(elements=[ButtonElement(text="Open it", url="https://a.example", action_id="open")]),
        ],
    )
    attached = client.send(attachments=[Attachment(text="Dry", title="[FIRING:1] Pump", color="danger")])
    assert [(answer.status_code, answer.body) for answer in (plain, blocks, attached)] == [(200, "ok")] * 3
    topics = {topic for topic, _ in wait_for(stack, "group-1", 3)}
    assert topics == {"The pump runs dry", "Release 4.2", "Pump"}


def test_the_client_of_slack_is_refused_in_its_words(stack):
    answer = WebhookClient(address(stack, "slack", "group-1")).send(text="")
    assert (answer.status_code, answer.body) == (400, "no_text")


def test_the_client_of_connectors(stack):
    card = pymsteams.connectorcard(address(stack, "messagecard", "group-2"))
    card.title("Build #118").text("2 of 214 tests failed").color("red").addLinkButton(
        "Open the build", "https://a.example"
    )
    section = pymsteams.cardsection()
    section.activityTitle("monalisa").addFact("Branch", "main").addImage("https://a.example/trend.png", "Trend")
    card.addSection(section)
    assert card.send()
    assert (card.last_http_response.status_code, card.last_http_response.text) == (200, "1")
    ((topic, (html,)),) = wait_for(stack, "group-2", 1)
    assert topic == "Build #118"
    assert all(text in html for text in ("Branch", "Trend", "Open the build", "214 tests"))
    with pytest.raises(pymsteams.TeamsWebhookException, match="Summary or Text is required"):
        pymsteams.connectorcard(address(stack, "messagecard", "group-2")).send()


@pytest.mark.parametrize(
    ("name", "payload", "query", "expected"),
    [
        ("teams", {"type": "AdaptiveCard", "body": [{"type": "TextBlock", "text": "Dry"}]}, {}, (202, b"", None)),
        ("discord", {"content": "Dry"}, {}, (204, b"", None)),
        ("slack", {"text": "Dry"}, {}, (200, b"ok", "text/plain; charset=utf-8")),
        ("slack", {"text": "Dry"}, {"answer": "1"}, (200, b"1", "text/plain; charset=utf-8")),
        ("teams", {"text": "Dry"}, {"answer": "empty"}, (202, b"", None)),
    ],
)
def test_an_answer_is_so_to_the_byte(stack, name, payload, query, expected):
    answer = requests.post(address(stack, name, "group-3", **query), json=payload, timeout=60)
    assert (answer.status_code, answer.content, answer.headers.get("Content-Type")) == expected


def test_discord_answers_with_a_message_if_it_is_waited_for(stack):
    answer = requests.post(address(stack, "discord", "group-3", wait="true"), json={"content": "Wet"}, timeout=60)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json; charset=utf-8")
    assert answer.json()["content"] == "Wet"


def test_without_the_key_nothing_is_taken(stack):
    answer = requests.post(f"{stack.address}/api/webhooks/slack", json={"text": "Dry"}, timeout=60)
    assert answer.status_code == 401


def test_while_the_settings_are_wrong_clients_get_an_answer_of_their_own(tmp_path):
    with running(tmp_path, BRIDGE_CONFIG="[[route]]\nwhen = 1") as broken:
        answers = {
            name: requests.post(f"{broken.address}/api/webhooks/{name}?code=local", json={"text": "Dry"}, timeout=60)
            for name in ("slack", "discord", "teams", "messagecard", "github")
        }
    assert {answer.status_code for answer in answers.values()} == {503}
    assert answers["slack"].text == "service_unavailable"
    assert answers["discord"].json()["code"] == 0
    assert answers["teams"].json()["error"]["code"] == "ServiceUnavailable"
    assert "settings are wrong" in answers["messagecard"].text
    assert "settings are wrong" in answers["github"].json()["error"]


CONFIG = """
route:
  receiver: bridge
  group_by: [alertname, plant]
  group_wait: 100ms
  group_interval: 1s
  repeat_interval: 1h
receivers:
  - name: bridge
    slack_configs:
      - api_url: '{slack}'
        channel: '#alerts'
        send_resolved: true
    discord_configs:
      - webhook_url: '{discord}'
        send_resolved: true
    webhook_configs:
      - url: '{webhook}'
        send_resolved: true
"""


@contextlib.contextmanager
def alertmanager(folder, config):
    """A running Alertmanager: its address, and the file of its log."""
    port, file, log = closed_port(), folder / "alertmanager.yml", folder / "alertmanager.log"
    file.write_text(config)
    command = [
        ALERTMANAGER, f"--config.file={file}", f"--storage.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address=",
    ]  # fmt: skip
    with log.open("wb") as written:
        process = subprocess.Popen(command, stdout=written, stderr=written)
    try:
        until(lambda: _is_ready(f"http://127.0.0.1:{port}"))
        yield f"http://127.0.0.1:{port}", log
    finally:
        process.terminate()
        process.wait(30)


def _is_ready(url):
    with contextlib.suppress(requests.ConnectionError):
        return requests.get(f"{url}/-/ready", timeout=10).ok
    return False


def alert(ends=None, **labels):
    found = {
        "labels": {"alertname": "TankLevelLow", "plant": "plant-2", "severity": "critical", **labels},
        "annotations": {"summary": "Tank 4 is at 8 %"},
        "generatorURL": "https://prometheus.contoso.example/graph",
    }
    return found | ({"endsAt": ends.isoformat()} if ends else {})


@pytest.mark.skipif(not ALERTMANAGER, reason="needs Alertmanager: apt-get install prometheus-alertmanager")
def test_alertmanager_fires_and_resolves_in_one_thread(stack, tmp_path):
    config = CONFIG.format(
        slack=address(stack, "slack", "group-5"),
        discord=address(stack, "discord", "group-6"),
        webhook=address(stack, "alertmanager", "group-7"),
    )
    with alertmanager(tmp_path, config) as (url, log):
        send = lambda *alerts: requests.post(f"{url}/api/v2/alerts", json=alerts, timeout=30).raise_for_status()  # noqa: E731
        send(alert(instance="pump-7"))
        for group in ("group-5", "group-6", "group-7"):
            wait_for(stack, group, 1)
        ended = datetime.now(UTC) - timedelta(seconds=1)
        send(alert(instance="pump-7", ends=ended))
        found = {group: wait_for(stack, group, 2) for group in ("group-5", "group-6", "group-7")}
        said = log.read_text()
    for group, threads in found.items():
        ((topic, posts),) = threads
        assert "TankLevelLow" in topic, group
        states = [next(line for line in parse(post).shown if line.startswith(("Firing", "Resolved"))) for post in posts]
        assert [state.split(" ")[0] for state in states] == ["Firing", "Resolved"], group
    assert not [line for line in said.splitlines() if "level=error" in line or "level=warn" in line]
