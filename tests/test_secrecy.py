"""No token, assertion, secret or key is in anything that is written: all of it is searched for all of them."""

import json
import logging
import os
from datetime import UTC, datetime

import pytest

from bridge.app import Bridge, open_payloads
from bridge.cli import main as cli
from bridge.configuration import Configuration
from bridge.doctor import as_json, examine
from bridge.entries import from_message, to_message
from bridge.events import Webhook
from bridge.local.fake_graph.faults import Fault as GraphFault
from bridge.payloads import TIME
from bridge.sources import SOURCES
from tests.faults import Fault
from tests.local_stack import issue, workplace
from tests.microsoft import microsoft
from tests.test_accounts import Tenant

GROUP = "00000000-0000-4000-8000-0000000000d0"
WEBHOOK_SECRET, OLD_SECRET, ADMIN_KEY = "a-webhook-secret-4711", "an-old-secret-4712", "an-admin-key-4713"


@pytest.fixture
def tenant(tmp_path, monkeypatch):
    before = dict(os.environ)
    with microsoft(tmp_path) as cloud:
        monkeypatch.chdir(workplace(tmp_path / "work"))
        tenant = Tenant(cloud, monkeypatch)
        for name, value in cloud.settings.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("BRIDGE_GRAPH_URL", "")
        monkeypatch.setenv("BRIDGE_GROUP", GROUP)
        monkeypatch.setenv("BRIDGE_GITHUB_SECRET", f"{WEBHOOK_SECRET},{OLD_SECRET}")
        monkeypatch.setenv("BRIDGE_ADMIN_KEY", ADMIN_KEY)
        yield tenant
    os.environ.clear()
    os.environ.update(before)


def secrets_of(cloud) -> set[str]:
    """Everything that must be nowhere: what was sent to issuers, what they gave, and what is kept."""
    known = {WEBHOOK_SECRET, OLD_SECRET, ADMIN_KEY, cloud.env["IDENTITY_HEADER"], *cloud.fake_graph.tokens._grants}
    known |= {token["access_token"] for token in cloud.entra.identity_tokens.values()}
    known |= set(cloud.entra.refresh_tokens) | set(cloud.entra.codes)
    names = ("client_assertion", "user_federated_identity_credential", "refresh_token", "code", "code_verifier")
    known |= {logged.form[name] for logged in cloud.entra.requests for name in names if name in logged.form}
    for versions in cloud.vault.secrets.values():
        for version in versions:
            known |= set(strings(json.loads(version["value"])))
    return {secret for secret in known if len(secret) >= 16}


def strings(value):
    """The secrets in what the vault keeps: refresh tokens, the key of states, PKCE verifiers."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name in {"secret", "key", "code_verifier"} and isinstance(inner, str):
                yield inner
            else:
                yield from strings(inner)


def webhook(payload) -> Webhook:
    body = json.dumps(payload).encode()
    scheme = SOURCES["github"].verifier
    headers = {**SOURCES["github"].headers("issues", "d"), **scheme.sign(body, WEBHOOK_SECRET)}
    headers |= {"Authorization": f"Bearer {OLD_SECRET}", "User-Agent": f"curl {ADMIN_KEY} {WEBHOOK_SECRET}"}
    return Webhook({"Content-Type": "application/json", **headers}, body)


def kept(bridge, receipt, written: list) -> None:
    """What is kept of a webhook: its record and, in a file, its payload."""
    written += [receipt.notes, receipt.payload.partition(b"\n")[0]]
    for note in receipt.notes:
        bridge.publisher.handle(note)
        if receipt.payload:
            at = datetime.fromtimestamp(from_message(note).at, UTC).strftime(TIME)
            open_payloads(bridge.configuration.settings, os.environ).write(f"{at}-x", receipt.payload)


def worked_with(bridge, tenant, written: list) -> None:
    """Everything that the bridge does, well and badly; everything that it says is put into `written`."""
    fake_graph = tenant.cloud.fake_graph
    for number, fault in enumerate(["", "429", "500", "app-only-refused", "created-but-504"]):
        if fault:
            fake_graph.faults.add(GraphFault(fault))
        receipt = bridge.receiver.receive("github", webhook(issue("opened", number + 1)))
        written.append(receipt.body)
        kept(bridge, receipt, written)
        for entry in receipt.entries:
            bridge.publisher.handle(to_message(entry))
        bridge.publisher.handle(json.dumps({"version": 1, "type": "wake", "group": GROUP}))
    wrong = Webhook({"X-Hub-Signature-256": f"sha256={'0' * 64}", "X-GitHub-Event": "issues"}, b"{}")
    kept(bridge, bridge.receiver.receive("github", wrong), written)
    fake_graph.tokens.revoke()
    written += [as_json(list(examine(bridge, os.environ, post=True))), bridge.publisher.health()]
    tenant.cloud.entra.faults += [Fault(endpoint="token"), Fault(401, "invalid_client", 7000215, endpoint="token")]
    tenant.cloud.vault.down = True
    bridge.sweep()
    written.append(as_json(list(examine(bridge, os.environ))))
    tenant.cloud.vault.down = False
    tenant.cloud.entra.revoke_refresh_tokens()
    bridge.sweep()
    written += [as_json(list(examine(bridge, os.environ))), bridge.publisher.health()]
    written += [repr(letter) for letter in bridge.publisher.dead_letters()]
    written += [repr(bridge.configuration), repr(bridge.delivery.__dict__)]


@pytest.mark.parametrize("channel", ["threads", "mail"])
@pytest.mark.parametrize("identity", ["managed-identity", "agent-user", "service-account"])
def test_nothing_secret_is_written_anywhere(tenant, monkeypatch, caplog, capfd, identity, channel):
    monkeypatch.setenv("BRIDGE_IDENTITY", identity)
    monkeypatch.setenv("BRIDGE_CHANNEL", channel)
    monkeypatch.setenv("BRIDGE_MAIL_FROM", "bridge@contoso.com")
    monkeypatch.setenv("BRIDGE_GIVE_UP_HOURS", "0.1")
    monkeypatch.setenv("BRIDGE_KEEP_PAYLOADS_HOURS", "1")
    written: list = []
    with caplog.at_level(logging.DEBUG):
        for name in list(logging.root.manager.loggerDict):
            logging.getLogger(name).setLevel(logging.NOTSET)
        if identity == "service-account":
            written.append(tenant.signed_in())
        settings = tenant.settings(identity, **{name: os.environ[name] for name in OURS})
        bridge = Bridge(Configuration.of(settings))
        worked_with(bridge, tenant, written)
        cli.main(["doctor"])
        cli.main(["doctor", "--json"])
        cli.main(["dead-letters", "--details"])
        cli.main(["deliveries"])
        cli.main(["deliveries", "--json"])
        for delivery in ("d", "x"):
            cli.main(["deliveries", "show", delivery])
            cli.main(["resend", delivery, "--dry-run"])
            cli.main(["resend", delivery, "--as-curl"])
        cli.main(["sources"])
        cli.main(["sign-in", "https://bridge.invalid"])
    output = capfd.readouterr()
    records = [repr(record.__dict__) + record.getMessage() for record in caplog.records]
    assert "body | curl" in output.out
    everything = "\n".join([output.out, output.err, *records, *map(repr, written)])
    assert len(records) > 50
    assert {name for name in ("msal", "azure.core", "urllib3", "bridge") if name not in everything} == set()
    known = secrets_of(tenant.cloud)
    assert len(known) >= 5
    assert [
        f"{everything[at - 80 : at]}[{secret[:6]}...]" for secret in known if (at := everything.find(secret)) >= 0
    ] == []


OURS = (
    "BRIDGE_KEEP_PAYLOADS_HOURS",
    "BRIDGE_CHANNEL",
    "BRIDGE_MAIL_FROM",
    "BRIDGE_GITHUB_SECRET",
    "BRIDGE_GIVE_UP_HOURS",
    "BRIDGE_GROUP",
)
