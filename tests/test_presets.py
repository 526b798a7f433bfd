"""Presets whose bodies people write themselves, and states that nobody has listed; the rest is in test_sources.py."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from bridge.entries import Target
from bridge.events import Event, Webhook
from bridge.receiving.bodies import readable
from bridge.rendering.renderer import Renderer
from bridge.sources import SOURCES
from bridge.sources.base import Source


def sample(source: Source, name: str) -> Event:
    (event,) = source.read(Webhook({}, (source.samples / f"{name}.json").read_bytes()))
    return event


# Those whose docs have a template, and those of tools that send other bodies, too.
OWN_BODIES = [
    "apprise",
    "argo_cd",
    "checkmk",
    "elastic",
    "gotify",
    "healthchecks",
    "home_assistant",
    "netdata",
    "ntfy",
    "prtg",
    "uptime_kuma",
]


@pytest.mark.parametrize("source", OWN_BODIES)
def test_a_body_of_the_users_own_is_read_as_json_that_nobody_described(source: str) -> None:
    body = {"title": "The pump runs dry", "severity": "critical", "state": "open", "host": "station-07"}
    (event,) = SOURCES[source].read(Webhook({}, json.dumps(body).encode()))
    assert (event.title, event.severity) == ("The pump runs dry: station-07", "critical")
    entry = Renderer().entry(event, "0" * 32, Target("g"), datetime.now(UTC))
    assert entry.word == "Open"
    assert "station-07" in entry.html


def test_uptime_kumas_multipart_form_is_read_like_its_json() -> None:
    name = "monitor.down"
    content = (SOURCES["uptime_kuma"].samples / f"{name}.json").read_bytes()
    form = b'--b\r\nContent-Disposition: form-data; name="data"\r\n\r\n' + content + b"\r\n--b--\r\n"
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    sent = readable(Webhook(headers, form), 100_000, as_fields=SOURCES["uptime_kuma"].takes_fields)
    (event,) = SOURCES["uptime_kuma"].read(sent)
    assert replace(event, dedup_key="") == replace(sample(SOURCES["uptime_kuma"], name), dedup_key="")


def test_a_text_with_headers_is_a_message_of_ntfy() -> None:
    headers = {"Title": "Tank 4", "Priority": "urgent", "Tags": "tanks, north", "Click": "https://scada.contoso.com"}
    (event,) = SOURCES["ntfy"].read(Webhook(headers, b"The level is below 20 %"))
    assert (event.title, event.severity, event.url) == ("Tank 4", "error", "https://scada.contoso.com")
    assert event.attributes["tags"] == ["tanks", "north"]
    assert "The level is below 20 %" in Renderer().entry(event, "0" * 32, Target("g"), datetime.now(UTC)).html
    (plain,) = SOURCES["ntfy"].read(Webhook({}, b"The level is below 20 %\nSee the chart"))
    assert plain.title == "The level is below 20 %"


@pytest.mark.parametrize(
    ("source", "body", "severity", "word"),
    [
        (
            "uptime_kuma",
            {"monitor": {"id": 1, "name": "Shop"}, "heartbeat": {"monitorID": 1, "status": 9}},
            "info",
            "9",
        ),
        ("argo_cd", {"name": "a", "namespace": "n", "health": {"status": "Wobbling"}}, "info", "WOBBLING"),
        ("flux", {"involvedObject": {"kind": "Thing", "name": "a"}, "reason": "ThingTurned"}, "info", "THING TURNED"),
        ("healthchecks", {"name": "Backup", "status": "tired"}, "info", "TIRED"),
        ("better_stack", {"event": "noticed", "data": {"id": "1", "type": "incident"}}, "info", "NOTICED"),
        ("elastic", {"rule_id": "1", "rule_name": "CPU", "action_group": "very.odd"}, "warning", "VERY ODD"),
        ("checkmk", {"hostname": "h", "notificationtype": "TELEPATHY", "what": "HOST"}, "info", "TELEPATHY"),
        ("prtg", {"sensorid": "1", "sensor": "Ping", "status": "Levitating"}, "info", "LEVITATING"),
        ("netdata", {"alert": "cpu", "chart": "c", "severity": "removed"}, "info", "REMOVED"),
        ("incident_io", {"event_type": "public_incident.incident_sung_v9"}, "info", "INCIDENT SUNG"),
        ("rootly", {"event": {"type": "incident.sung"}, "data": {"title": "a"}}, "info", "SUNG"),
        (
            "octopus_deploy",
            {"Payload": {"Event": {"Category": "TentacleWaved", "Message": "a"}}},
            "info",
            "TENTACLE WAVED",
        ),
        ("jira_service_management", {"action": "Sing", "alert": {"message": "a"}}, "info", "SING"),
    ],
)
def test_a_state_that_no_preset_knows_is_in_its_own_words_and_ends_nothing(
    source: str, body: dict[str, object], severity: str, word: str
) -> None:
    (event,) = SOURCES[source].read(Webhook({}, json.dumps(body).encode()))
    assert (event.severity, event.ends_thread) == (severity, False)
    assert Renderer().entry(event, "0" * 32, Target("g"), datetime.now(UTC)).word.upper() == word


def block(source: str, language: str) -> str:
    """What the docs of a source give to be copied, in this language."""
    docs = (SOURCES[source].samples.parent / "docs.md").read_text("utf-8")
    return "\n".join(re.findall(rf"```{language}\n(.*?)```", docs, re.DOTALL))


class _Sent(BaseHTTPRequestHandler):
    """Keeps the webhook that is sent to it."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.webhook = Webhook(dict(self.headers), body)  # type: ignore[attr-defined]
        self.send_response(202)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def listening() -> Iterator[HTTPServer]:
    with HTTPServer(("127.0.0.1", 0), _Sent) as server:
        thread = Thread(target=server.handle_request)
        thread.start()
        yield server
        thread.join(10)


def test_the_script_for_checkmk_escapes_what_it_sends(tmp_path: Path) -> None:
    script = tmp_path / "bridge"
    script.write_text(block("checkmk", "python"))
    with listening() as server:
        values = {
            "PARAMETER_1": f"http://127.0.0.1:{server.server_port}/",
            "PARAMETER_2": "the secret",
            "PARAMETER_3": "https://monitor.contoso.com/north",
            "WHAT": "SERVICE",
            "NOTIFICATIONTYPE": "PROBLEM",
            "OMD_SITE": "north",
            "MICROTIME": "1795442580120000",
            "HOSTNAME": "station-07",
            "SERVICEDESC": 'The "big" pump',
            "SERVICESTATE": "CRITICAL",
            "SERVICEOUTPUT": 'line 1\\n"quoted" ä',
            "SERVICEURL": "/check_mk/index.py?start_url=view.py",
        }
        environment = {f"NOTIFY_{name}": value for name, value in values.items()}
        subprocess.run([sys.executable, script], env={**environment, "PATH": ""}, check=True, timeout=30)
    sent = server.webhook  # type: ignore[attr-defined]
    assert sent.header("X-Webhook-Token") == "the secret"
    (event,) = SOURCES["checkmk"].read(sent)
    assert (event.title, event.severity) == ('station-07: The "big" pump', "critical")
    assert event.url == "https://monitor.contoso.com/north/check_mk/index.py?start_url=view.py"


@pytest.mark.skipif(not shutil.which("curl") or not shutil.which("bash"), reason="needs bash and curl")
def test_the_function_for_netdata_escapes_what_it_sends() -> None:
    with listening() as server:
        script = block("netdata", "sh").replace(
            "https://<your app>.azurewebsites.net/api/webhooks/netdata", f"http://127.0.0.1:{server.server_port}/"
        )
        values = {
            "host": "station-07",
            "name": "disk & space",
            "status": "CRITICAL",
            "info": 'a "b" + 50% ä',
            "when": "1795443600",
        }
        environment = {**values, "chart": "disk./var", "PATH": os.environ["PATH"]}
        subprocess.run(["bash", "-c", f"{script}\ncustom_sender"], env=environment, check=True, timeout=30)
    (event,) = SOURCES["netdata"].read(server.webhook)  # type: ignore[attr-defined]
    assert (event.title, event.severity, event.text) == ("disk & space on station-07", "critical", 'a "b" + 50% ä')
    assert event.occurred


def test_the_payload_for_prtg_is_the_form_that_the_preset_reads() -> None:
    template = block("prtg", "text").strip()
    values = {"%sensorid": "7", "%name": "Ping %26 more", "%device": "gw", "%status": "Down", "%message": "a%3Db"}
    form = re.sub(r"=(%[a-z]+)", lambda match: f"={values.get(match[1], '')}", template).encode()
    (event,) = SOURCES["prtg"].read(Webhook({"Content-Type": "application/x-www-form-urlencoded"}, form))
    assert (event.title, event.severity, event.text) == ("gw: Ping & more", "error", "a=b")


def test_what_a_private_incident_brings_is_its_id_alone() -> None:
    body = {"event_type": "private_incident.incident_created_v2", "private_incident.incident_created_v2": {"id": "01J"}}
    (event,) = SOURCES["incident_io"].read(Webhook({}, json.dumps(body).encode()))
    assert (event.title, event.correlation_key, event.facts) == ("A private incident", "01J", (("Id", "01J"),))
