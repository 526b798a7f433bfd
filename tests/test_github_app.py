"""`github-app`: one visit of a browser makes the app, and its key and secret end where nobody else reads them."""

import base64
import html
import json
import re
import threading

import pytest
import requests

from bridge.cli import github_app
from bridge.cli import main as cli
from bridge.errors import CommandError
from bridge.github_deliveries import manifest
from bridge.sources.github.kinds import KINDS
from tests.github_stand_in import DESCRIPTION, FakeGithub, served
from tests.outbox_stand_ins import Clock

URL = "https://bridge.contoso.com"
MADE = {
    "id": 4711,
    "slug": "webhook-bridge",
    "html_url": "https://github.com/apps/webhook-bridge",
    "pem": "-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----\n",
    "webhook_secret": "0123456789abcdef0123",
    "client_id": "Iv1.1",
    "client_secret": "s",
}


@pytest.fixture
def github():
    made = FakeGithub(Clock())
    made.conversions["code1"] = MADE
    assert DESCRIPTION["conversion"].keys() <= MADE.keys()
    with served(made):
        yield made


def visit(github, **more):
    return github_app.Visit("https://github.com", github.base, more.get("organization", ""), "Bridge", URL)


def browse(made, *paths, host=""):
    """What a browser gets for each path, while the command waits."""
    answers = []

    def run():
        for path in paths:
            headers = {"Host": host} if host else {}
            answers.append(requests.get(made.address + path, headers=headers, timeout=10))

    thread = threading.Thread(target=run)
    thread.start()
    return thread, answers


def test_the_manifest_asks_for_events_that_the_bridge_knows_and_for_reading_alone():
    asked = manifest.manifest("Bridge", URL, "http://127.0.0.1:1/created")
    assert asked["hook_attributes"]["url"] == f"{URL}/api/webhooks/github"
    assert set(asked["default_permissions"].values()) == {"read"}
    assert set(asked["default_events"]) <= {*KINDS}
    assert asked["public"] is False


@pytest.mark.parametrize(
    ("organization", "path"), [("", "/settings/"), ("contoso", "/organizations/contoso/settings/")]
)
def test_the_page_sends_the_manifest_to_github(github, organization, path):
    with visit(github, organization=organization) as made:
        _, kind, page = made.answer("/", made.address[7:-1])
    assert kind == "text/html"
    (action,) = re.findall(r'action="([^"]+)"', page)
    assert re.fullmatch(rf"https://github\.com{path}apps/new\?state=[\w-]{{32}}", action)
    (value,) = re.findall(r'value="([^"]+)"', page)
    assert json.loads(html.unescape(value))["redirect_url"] == f"{made.address}created"


def test_the_browser_comes_back_with_the_code_and_the_app_is_made(github):
    with visit(github) as made:
        _, _, page = made.answer("/", made.address[7:-1])
        (state,) = re.findall(r"state=([\w-]+)", page)
        thread, answers = browse(made, "created?code=code1&state=wrong", f"created?code=code1&state={state}")
        app = made.wait()
        thread.join()
    assert [answer.status_code for answer in answers] == [400, 200]
    assert (app.id, app.name, app.secret) == ("4711", "webhook-bridge", MADE["webhook_secret"])
    assert MADE["webhook_secret"] not in repr(app) + answers[1].text


def test_a_code_that_github_does_not_take_is_the_reason(github):
    with visit(github) as made:
        _, _, page = made.answer("/", made.address[7:-1])
        (state,) = re.findall(r"state=([\w-]+)", page)
        thread, _ = browse(made, f"created?code=stale&state={state}")
        with pytest.raises(CommandError, match="it answered 404"):
            made.wait()
        thread.join()


@pytest.mark.parametrize(
    ("target", "host", "status"),
    [
        ("/", "evil.example", 421),
        ("/favicon.ico", "", 404),
        ("/created", "", 400),
        ("/created?code=../../x&state=", "", 400),
    ],
)
def test_nothing_else_is_answered(github, target, host, status):
    with visit(github) as made:
        assert made.answer(target, host or made.address[7:-1])[0] == status


def test_key_and_secret_are_written_for_the_owner_alone(tmp_path, monkeypatch, capsys, github):
    app = manifest.convert(github.base, "code1")
    monkeypatch.setattr(github_app.Visit, "wait", lambda _self: app)
    monkeypatch.setattr(github_app.webbrowser, "open", lambda _address: True)
    folder = tmp_path / "app"
    assert cli.main(["github-app", URL, "--folder", str(folder)]) == 0
    shown = capsys.readouterr().out
    assert "BRIDGE_GITHUB_APP_ID=4711" in shown
    assert MADE["webhook_secret"] not in shown
    assert {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()} == {
        "github-app-key": 0o600,
        "github": 0o600,
    }
    assert base64.b64decode((folder / "github-app-key").read_text()).decode() == MADE["pem"]
    assert cli.main(["github-app", URL, "--folder", str(folder)]) == 2
    assert "nothing is written over it" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [["http://bridge.contoso.com"], [URL, "--organization", "a/b"], [URL, "--github", "x"]]
)
def test_wrong_arguments_are_refused(arguments, tmp_path, capsys):
    assert cli.main(["github-app", *arguments, "--folder", str(tmp_path / "new")]) == 2
    assert capsys.readouterr().err.startswith("bridge: ")
