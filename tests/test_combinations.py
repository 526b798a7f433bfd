"""Every identity with every channel: the same webhooks end as threads, or the group is held and the reason says why."""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

from bridge.app import Bridge
from bridge.configuration import Configuration
from bridge.doctor import as_json, examine
from bridge.entries import to_message
from bridge.events import Webhook
from bridge.local.fake_graph.tokens import Grant
from bridge.outbox.sqlite import SqliteOutbox
from bridge.settings import Settings
from bridge.sources import SOURCES
from tests import forked, local_stack
from tests.local_stack import (
    GROUPS,
    PATIENCE,
    SECRET,
    Stack,
    environment,
    issue,
    polling,
    running,
    until,
    workplace,
)
from tests.microsoft import microsoft

pytestmark = pytest.mark.hosts

GROUP = "group-0"
MAILBOX = "bridge@contoso.com"
ADDRESS = "pumps@contoso.com"
# What a host adds is the same for all: these have one, and so have the tests of signing in and of being held.
BY_PROCESS = {("managed-identity", "mail"), ("developer", "threads")}
SCOPES = ("Group-Conversation.ReadWrite.All", "Group.Read.All", "Mail.Send.Shared", "Mail.ReadWrite.Shared")


@pytest.fixture
def cloud(tmp_path):
    with microsoft(tmp_path / "microsoft", permissions="microsoft") as cloud:
        cloud.fake_graph.mail_scope = {MAILBOX}
        for client in (cloud.entra.agent, cloud.entra.application):
            client.scopes |= {"Mail.Send.Shared", "Mail.ReadWrite.Shared"}
        yield cloud


def settings_of(cloud, identity: str, channel: str, group: str = "") -> dict[str, str]:
    """The environment of a bridge in that tenant. group: what [groups] says of the group, beside its id."""
    return {
        **cloud.env,
        **cloud.settings,
        "BRIDGE_GRAPH_URL": "",
        "BRIDGE_IDENTITY": identity,
        "BRIDGE_CHANNEL": channel,
        "BRIDGE_MAIL_FROM": MAILBOX,
        "BRIDGE_CONFIG": f'[groups]\n{GROUP} = {{ id = "{GROUPS[GROUP]}"{group} }}',
        "BRIDGE_GROUP": GROUP,
    }


class ByProcess:
    """A bridge that `make run` starts, driven over HTTP."""

    def __init__(self, cloud, stack: Stack) -> None:
        self._cloud, self._stack = cloud, stack

    def send(self, action: str, number: int) -> list[str]:
        """Send a webhook about an issue; the ids of its entries."""
        return self._stack.send("issues", issue(action, number)).json()["accepted"]

    def sign_in(self) -> None:
        assert sign_in(self._cloud, self._stack).status_code == 200

    def held(self) -> dict:
        return self._stack.health()["held"]

    def findings(self) -> list[dict]:
        return self._stack.get("/api/doctor", headers={"x-functions-key": "local"}).json()["findings"]


class InProcess:
    """The same in this process, without a host: it starts in a tenth of the time."""

    def __init__(self, cloud) -> None:
        self._cloud, self._bridge = cloud, Bridge(Configuration.of(Settings.from_env(os.environ)))

    def send(self, action: str, number: int) -> list[str]:
        source, body = SOURCES["github"], json.dumps(issue(action, number)).encode()
        headers = {**source.headers("issues", action), **source.verifier.sign(body, SECRET)}
        receipt = self._bridge.receiver.receive("github", Webhook(headers, body))
        wake = json.dumps({"version": 1, "type": "wake", "group": GROUPS[GROUP]})
        for message in (*map(to_message, receipt.entries), wake):
            self._bridge.publisher.handle(message)
        return list(receipt.body["accepted"])

    def sign_in(self) -> None:
        address = self._cloud.entra.sign_in(self._bridge.delivery.begin_sign_in())
        assert self._bridge.delivery.finish_sign_in(dict(parse_qsl(urlsplit(address).query)))

    def held(self) -> dict:
        return self._bridge.health()["held"]

    def findings(self) -> list[dict]:
        return as_json(list(examine(self._bridge, os.environ)))["findings"]


@contextlib.contextmanager
def bridge(
    cloud, folder, monkeypatch, settings: dict[str, str], *, by_process: bool
) -> Iterator[ByProcess | InProcess]:
    if by_process:
        with running(folder, **settings) as stack:
            yield ByProcess(cloud, stack)
    else:
        monkeypatch.chdir(workplace(folder))
        for name, value in {**settings, "BRIDGE_GITHUB_SECRET": SECRET, "BRIDGE_SETTLE_SECONDS": "0"}.items():
            monkeypatch.setenv(name, value)
        yield InProcess(cloud)


def posted(cloud, folder, *accepted: list[str]) -> list[tuple[str, list[str]]]:
    """Topic and posts of the group's threads, as soon as the accepted entries are delivered."""
    wanted = {entry[:12] for entries in accepted for entry in entries}
    for _ in polling():
        threads = [
            (thread.topic, [post.html for post in cloud.fake_graph.posts(GROUPS[GROUP], thread.id)])
            for thread in cloud.fake_graph.threads(GROUPS[GROUP])
        ]
        with contextlib.closing(SqliteOutbox(folder / ".bridge/outbox.sqlite")) as outbox:
            if wanted <= set(local_stack.posted(threads, outbox)):
                return threads
    raise AssertionError(f"{threads} after {PATIENCE} seconds, not {wanted}")


def sign_in(cloud, stack: Stack) -> requests.Response:
    """What an administrator does with a browser: the account signs in, and Entra sends the form back."""
    begun = stack.get("/api/sign-in", headers={"x-functions-key": "local"}, allow_redirects=False)
    assert begun.status_code == 302, begun.text
    back = urlsplit(cloud.entra.sign_in(begun.headers["Location"]))
    return requests.post(f"{stack.address}{back.path}", data=dict(parse_qsl(back.query)), timeout=60)


def az_login(cloud, folder, monkeypatch) -> None:
    """Puts an `az` on the PATH that gives the token of a person."""
    cloud.fake_graph.tokens.remember(
        "of-the-person", Grant("user", frozenset(SCOPES), "a-person", "https://graph.microsoft.com", time.time() + 3600)
    )
    program = folder / "az"
    program.write_text("""#!/bin/sh\necho '{"accessToken": "of-the-person", "expires_on": 4102444800}'\n""")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


@pytest.mark.skipif(sys.platform == "win32", reason="the browser is a shell script")
def test_the_command_opens_the_browser_where_the_account_signs_in(cloud, tmp_path):
    seen = tmp_path / "seen"
    (tmp_path / "browser").write_text(f'#!/bin/sh\nprintf %s "$1" > {seen}.part; mv {seen}.part {seen}\n')
    (tmp_path / "browser").chmod(0o755)
    with running(tmp_path, **settings_of(cloud, "service-account", "threads")) as stack:
        refused = command(tmp_path, "sign-in", stack.address, BRIDGE_ADMIN_KEY="wrong")
        assert refused.returncode == 2
        assert "The master key is wrong" in refused.stderr
        opened = command(
            tmp_path, "sign-in", stack.address, BRIDGE_ADMIN_KEY="local", BROWSER=str(tmp_path / "browser")
        )
        assert opened.returncode == 0
        until(seen.is_file)  # a browser starts in its own time
        assert seen.read_text() in opened.stdout
        address = seen.read_text()
        back = urlsplit(cloud.entra.sign_in(address))
        answer = requests.post(f"{stack.address}{back.path}", data=dict(parse_qsl(back.query)), timeout=60)
        assert (answer.status_code, answer.text) == (
            200,
            "bridge-account@contoso.com has signed in; you may close this page.\n",
        )
        again = requests.post(f"{stack.address}{back.path}", data=dict(parse_qsl(back.query)), timeout=60)
        assert again.status_code == 400


def test_what_waited_for_the_sign_in_is_told_after_it(cloud, tmp_path):
    with running(tmp_path, **settings_of(cloud, "service-account", "threads")) as stack:
        waiting = stack.send("issues", issue("opened"))
        assert "python -m bridge sign-in" in until_held(stack)["reason"]
        assert sign_in(cloud, stack).text == "bridge-account@contoso.com has signed in; you may close this page.\n"
        assert len(posted(cloud, tmp_path, waiting.json()["accepted"])) == 1
        assert stack.health()["held"] == {}


@pytest.mark.parametrize("channel", ["threads", "mail"])
@pytest.mark.parametrize("identity", ["managed-identity", "agent-user", "service-account", "developer"])
def test_the_same_webhooks_end_as_threads(cloud, tmp_path, monkeypatch, identity, channel):
    if identity == "developer":
        az_login(cloud, tmp_path, monkeypatch)
    group = f', mail = "{ADDRESS}"' if channel == "mail" else ""
    if channel == "mail":
        cloud.fake_graph.addresses[ADDRESS] = GROUPS[GROUP]
    if (identity, channel) == ("managed-identity", "threads"):
        seed = seeded(cloud)
        group = f', thread = "{seed}"'
    settings = settings_of(cloud, identity, channel, group)
    with bridge(cloud, tmp_path, monkeypatch, settings, by_process=(identity, channel) in BY_PROCESS) as started:
        if identity == "service-account":
            started.sign_in()
        opened = started.send("opened", 7)
        posted(cloud, tmp_path, opened)
        closed, other = started.send("closed", 7), started.send("opened", 8)
        threads = posted(cloud, tmp_path, opened, closed, other)
        assert started.held() == {}
        findings = started.findings()
    if "thread" in group:
        assert [len(posts) for _, posts in threads] == [4]
    else:
        topic = "#7 The pump runs dry 7 · contoso/pump"
        assert {name.removeprefix("RE: "): len(posts) for name, posts in threads}[topic] == 2
        assert len(threads) == 2
    assert [finding for finding in findings if finding["verdict"] == "failed"] == []
    assert cloud.refused_hosts == []


def seeded(cloud) -> str:
    """A thread that a person has started in the group."""
    token = "of-a-member"
    audience = f"https://{cloud.entra.cloud.graph}"
    cloud.fake_graph.tokens.remember(token, Grant("user", frozenset(SCOPES), "a-member", audience, time.time() + 3600))
    proxies = {"https": cloud.env["HTTPS_PROXY"]}
    answer = requests.post(
        f"{audience}/v1.0/groups/{GROUPS[GROUP]}/threads",
        json={"topic": "Alerts", "posts": [{"body": {"contentType": "text", "content": "Here they come."}}]},
        headers={"Authorization": f"Bearer {token}"},
        proxies=proxies,
        verify=cloud.env["REQUESTS_CA_BUNDLE"],
        timeout=60,
    )
    return answer.json()["id"]


def test_a_managed_identity_that_starts_threads_is_held_and_told_why(cloud, tmp_path):
    with running(tmp_path, **settings_of(cloud, "managed-identity", "threads")) as stack:
        examined = stack.get("/api/doctor", headers={"x-functions-key": "local"})
        assert stack.send("issues", issue("opened")).status_code == 202
        held = until_held(stack)
    assert cloud.fake_graph.threads(GROUPS[GROUP]) == []
    (failed,) = [finding for finding in examined.json()["findings"] if finding["verdict"] == "failed"]
    for text in (held["reason"], failed["text"], (tmp_path / "log").read_text()):
        assert "refuses a managed identity's own token" in text
        assert "BRIDGE_IDENTITY=agent-user or service-account" in text
        assert "BRIDGE_CHANNEL=mail" in text


def test_make_run_shows_on_its_page_what_microsoft_refuses(tmp_path):
    with running(tmp_path, BRIDGE_LOCAL_PERMISSIONS="microsoft") as stack:
        stack.send("issues", issue("opened"), GROUP)
        until_held(stack)
        held = stack.first_event("held")
    assert "refuses a managed identity's own token" in json.dumps(held)


def command(folder, *arguments: str, **env: str) -> subprocess.CompletedProcess:
    """A command in a process of its own: which browsers there are is found out once for each."""
    return forked.run(["bridge", *arguments], folder, environment(**env))


def until_held(stack: Stack) -> dict:
    until(lambda: stack.health()["held"])
    return stack.health()["held"][GROUPS[GROUP]]
