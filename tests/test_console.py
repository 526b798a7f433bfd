"""The page over a deployed app's storage: which one, whose sign-in, what it may do, and what helps if it cannot."""

import base64
import contextlib
import json
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest
import requests
from azure.core.exceptions import AzureError
from azure.data.tables import TableServiceClient
from azure.identity import CredentialUnavailableError

from bridge.cli import main as cli
from bridge.clouds import CLOUDS
from bridge.deliveries import DeliveryRecord, Outcome, record_id
from bridge.entries import to_message
from bridge.errors import CommandError
from bridge.local.console.connection import Wanted, connect
from bridge.local.console.deployed_app import Subscriptions
from bridge.local.console.server import application
from bridge.local.console.storage_errors import Explainer
from bridge.local.serving import listen
from bridge.outbox.azure import AzureOutbox
from bridge.outbox.azure_queue import AzureQueue
from bridge.outbox.azure_storage import Account
from bridge.outbox.rows import DeadLetter
from tests.azurite import needs_azurite
from tests.graph_servers import answer, closed_port, in_thread, raw
from tests.outbox_stand_ins import START, entry

PLATFORM = "3c1d0d4e-0000-4000-8000-000000000001"
CONFIG = f'[groups]\nplatform = "{PLATFORM}"\n'
ID = "/subscriptions/s/resourceGroups/rg-bridge/providers/Microsoft.Web/sites/bridge-app"
ROW = {
    "id": ID,
    "name": "bridge-app",
    "resourceGroup": "rg-bridge",
    "host": "bridge-app.azurewebsites.net",
    "deployment": "https://stbridge.blob.core.windows.net/deployments",
}
PERSON = {"upn": "alexd@contoso.com", "oid": "a-person"}


class SignIn:
    """A credential whose tokens say who it is."""

    def __init__(self, claims=PERSON):
        self.claims = claims

    def get_token(self, *_scopes, **_options):
        if self.claims is None:
            raise CredentialUnavailableError("Please run 'az login' to set up an account\nand more")
        body = base64.urlsafe_b64encode(json.dumps(self.claims).encode()).decode().rstrip("=")
        return SimpleNamespace(token=f"header.{body}.signature", expires_on=time.time() + 3600)


def found(*rows):
    return answer(200, json.dumps({"data": rows}).encode())


def listed(**settings):
    return answer(200, json.dumps({"properties": settings}).encode())


def refused(code="AuthorizationFailed", message="no permission"):
    return answer(403, json.dumps({"error": {"code": code, "message": message}}).encode())


# ---- the app


def app_of(*answers, name="bridge-app", group=""):
    with raw(*answers) as server:
        return Subscriptions(lambda: "a token", server.url).app(name, group), server.requests


@pytest.mark.parametrize("name", ["bridge-app", f"https://{ROW['host']}/", ROW["host"]])
def test_an_app_is_found_in_all_subscriptions_with_its_settings(name):
    app, (query, settings) = app_of(found(ROW), listed(BRIDGE_GROUP=PLATFORM), name=name)
    assert (app.name, app.resource_group, app.host) == ("bridge-app", "rg-bridge", "bridge-app.azurewebsites.net")
    assert (app.settings, app.storage) == ({"BRIDGE_GROUP": PLATFORM}, "stbridge")
    assert b"name =~ 'bridge-app'" in query
    assert b"Authorization: Bearer a token" in query
    assert settings.startswith(f"POST {ID}/config/appsettings/list?".encode())


def test_without_a_role_on_the_app_its_storage_is_still_known():
    app, _ = app_of(found(ROW), refused())
    assert (app.settings, app.storage) == (None, "stbridge")
    assert "Website Contributor" in app.problem


@pytest.mark.parametrize(
    ("answers", "more", "problem"),
    [
        ([found()], {}, "This sign-in sees no app bridge-app: check the name, and the tenant"),
        ([found()], {"group": "rg"}, "sees no app bridge-app in the resource group rg"),
        (
            [found(ROW, {**ROW, "resourceGroup": "rg-test"})],
            {},
            "choose one with --resource-group (rg-bridge, rg-test)",
        ),
        ([found()], {"name": "a' or name != '"}, "has letters, digits and hyphens"),
        ([found()], {"group": "x' | project"}, "has letters, digits and hyphens"),
        ([refused()], {}, "403 AuthorizationFailed: no permission"),
        ([answer(500, b"<html>")], {}, "500 Whatever"),
    ],
)
def test_an_app_that_is_not_found_is_an_error_that_says_what_to_do(answers, more, problem):
    with pytest.raises(CommandError) as raised:
        app_of(*answers, **more)
    assert problem in str(raised.value)


def test_without_a_network_the_address_is_named():
    with pytest.raises(CommandError, match=r"127.0.0.1 does not answer: ConnectionError"):
        Subscriptions(lambda: "", f"http://127.0.0.1:{closed_port()}").app("bridge-app")


# ---- the storage's answers


def storage_error(body):
    """What the library raises when storage answers so."""
    with raw(body) as server:
        account = Account("", server.url, server.url, SignIn(), server.url)
        table = AzureOutbox(replace(account, credential=_key()).table(make=False))
        with contextlib.closing(table), pytest.raises(AzureError) as raised:
            table.find_deliveries("e5ddc73fc8f38bfb")
    return raised.value


def _key():
    from azure.core.credentials import AzureNamedKeyCredential

    return AzureNamedKeyCredential("stbridge", base64.b64encode(b"a key").decode())


def odata(status, code):
    body = {"odata.error": {"code": code, "message": {"value": f"{code} of a request"}}}
    return answer(status, json.dumps(body).encode(), Content_Type="application/json", x_ms_error_code=code)


STORAGE = {
    "AuthorizationPermissionMismatch": (
        403,
        [
            "It takes the role Storage Table Data Reader on stbridge",
            (
                "az role assignment create --assignee-object-id a-person --assignee-principal-type User"
                ' --role "Storage Table Data Reader"'
                ' --scope "$(az storage account show --name stbridge --query id --output tsv)"'
            ),
        ],
    ),
    "AuthorizationFailure": (403, ["takes no requests from this network", "az storage account network-rule add"]),
    "TableNotFound": (404, ["has no table of the bridge"]),
    "AuthenticationFailed": (401, ["run `az login`"]),
}


@pytest.mark.parametrize("code", STORAGE)
def test_what_storage_refuses_is_explained_with_the_command_that_helps(code):
    status, texts = STORAGE[code]
    said = Explainer("stbridge", "a-person").explain(storage_error(odata(status, code)))
    assert [text for text in texts if text not in said] == []


def test_writing_takes_other_roles():
    error = storage_error(odata(403, "AuthorizationPermissionMismatch"))
    said = Explainer("stbridge", "a-person", "ServicePrincipal", writes=True).explain(error)
    assert '--assignee-principal-type ServicePrincipal --role "Storage Table Data Contributor"' in said
    assert '--role "Storage Queue Data Contributor"' in said


def test_a_storage_account_that_is_not_reached_may_be_private():
    account = Account("", f"http://127.0.0.1:{closed_port()}", "", _key())
    with contextlib.closing(AzureOutbox(account.table(make=False))) as table, pytest.raises(AzureError) as raised:
        table.find_deliveries("e5ddc73fc8f38bfb")
    assert "private endpoints" in Explainer("stbridge").explain(raised.value)


# ---- the connection


@pytest.fixture
def account(storage):
    """The connection string of a storage in which one webhook was refused and one entry was given up."""
    text = storage.account()
    with contextlib.closing(AzureOutbox(Account(text).table())) as outbox:
        at = time.time()
        outbox.note_delivery(
            DeliveryRecord(record_id(at, "a1b2c"), at, "github", Outcome.REFUSED, 401, "Wrong secret.")
        )
        given_up = entry(1, group=PLATFORM)
        outbox.record(given_up, START, START)
        (row,) = outbox.open_entries(PLATFORM)
        letter = DeadLetter(given_up.id, PLATFORM, to_message(given_up), "400: bad. Read it.", "Correct it.", START, 3)
        outbox.move_to_dead_letters(row, letter)
    return text


@contextlib.contextmanager
def served(connection):
    with (
        contextlib.closing(connection.outbox),
        listen(0) as listener,
        in_thread(application(connection, listener.getsockname()[1]), listener) as address,
    ):
        yield address


@needs_azurite
def test_the_page_is_read_only(account):
    env = {"AzureWebJobsStorage": account, "BRIDGE_CONFIG": CONFIG, "BRIDGE_GROUP": "platform"}
    connection = connect(Wanted(), env)
    assert (connection.person, connection.queue, connection.notes) == ("a connection string", None, ())
    with served(connection) as address:
        assert "Wrong secret." in requests.get(f"{address}/page/deliveries", timeout=9).text
        (letter,) = requests.get(f"{address}/page/dead-letters", timeout=9).json()["rows"]
        assert letter["group"]["name"] == "platform"
        for path in ("requeue", "requeue-some", "resend", "send", "save", "faults"):
            content = {"id": letter["id"], "until": time.time() + 9}
            assert requests.post(f"{address}/page/{path}", json=content, timeout=9).status_code == 404
        for headers in ({"Origin": "https://evil.example"}, {"Host": "evil.example"}):
            answered = requests.get(f"{address}/page/deliveries", headers=headers, timeout=9)
            assert answered.status_code in (403, 421)
    assert len(AzureOutbox(Account(account).table()).dead_letters()) == 1


@needs_azurite
def test_with_write_a_dead_letter_is_requeued_for_the_app(account):
    env = {"AzureWebJobsStorage": account, "BRIDGE_CONFIG": CONFIG, "BRIDGE_GROUP": "platform"}
    with served(connect(Wanted(writes=True), env)) as address:
        (letter,) = requests.get(f"{address}/page/dead-letters", timeout=9).json()["rows"]
        done = requests.post(f"{address}/page/requeue", json={"id": letter["id"]}, timeout=9)
        assert "as it was rendered before" in done.json()["how"]
    with contextlib.closing(AzureOutbox(Account(account).table())) as outbox:
        assert outbox.dead_letters() == []
        assert [row.entry.id for row in outbox.open_entries(PLATFORM)] == [entry(1).id]
    with contextlib.closing(AzureQueue(Account(account))) as queue:
        assert queue.take(60) is not None


@needs_azurite
def test_an_empty_storage_is_said_and_stays_empty(storage):
    text = storage.account()
    with pytest.raises(CommandError, match="has no table of the bridge"):
        connect(Wanted(writes=True), {"AzureWebJobsStorage": text})
    with TableServiceClient.from_connection_string(text) as tables:
        assert list(tables.list_tables()) == []


@pytest.fixture
def deployed(account, monkeypatch):
    """Connects to an app with these settings, beside those of its storage."""

    def connected(answers=(), **settings):
        with raw(found(ROW), *(answers or [listed(AzureWebJobsStorage=account, **settings)])) as server:
            monkeypatch.setitem(CLOUDS, "global", replace(CLOUDS["global"], manager=server.url))
            return connect(Wanted("bridge-app"), {"BRIDGE_GROUP": "of this machine"}, SignIn())

    return connected


@needs_azurite
def test_the_settings_of_the_app_say_which_storage_and_how_groups_are_called(deployed):
    connection = deployed(
        BRIDGE_GROUP="platform",
        BRIDGE_CONFIG=CONFIG,
        BRIDGE_GITHUB_SECRET="@Microsoft.KeyVault(SecretUri=https://v.vault.azure.net/secrets/github)",
        BRIDGE_IDENTITY="managed-identity",
    )
    assert (connection.title, connection.host) == ("bridge-app", "bridge-app.azurewebsites.net")
    assert connection.notes == ()
    assert connection.bridge.configuration.groups[PLATFORM].name == "platform"
    # The secret stays in the vault; the source is authenticated by it all the same.
    assert "github" in connection.bridge.configuration.authentications
    connection.outbox.close()


@needs_azurite
def test_no_secret_of_the_app_is_in_any_answer(deployed, account):
    secrets = ["a-secret-of-github-4711", "a-secret-of-linear-4712"]
    connection = deployed(BRIDGE_GROUP=PLATFORM, BRIDGE_GITHUB_SECRET=secrets[0], BRIDGE_LINEAR_SECRET=secrets[1])
    key = account.partition("AccountKey=")[2].partition(";")[0]
    with served(connection) as address:
        (row,) = requests.get(f"{address}/page/deliveries", timeout=9).json()["rows"]
        paths = ["deliveries", f"delivery?id={row['id']}", "dead-letters", "groups", "events"]
        for path in paths:
            with requests.get(f"{address}/page/{path}", timeout=9, stream=True) as answered:
                assert answered.ok
                text = next(answered.iter_content(1 << 20)).decode()
            assert [one for one in (*secrets, key) if one in text] == []


@needs_azurite
@pytest.mark.parametrize(
    ("settings", "note"),
    [
        ({"BRIDGE_GROUP": PLATFORM, "BRIDGE_CONFIG": "routes.toml"}, "routes are in its package (routes.toml)"),
        ({"BRIDGE_GROUP": "nobody"}, "settings cannot be read: BRIDGE_GROUP is not a group's object id"),
        ({}, "settings are not known here"),
        ({"BRIDGE_GROUP": PLATFORM, "BRIDGE_TEMPLATES": "my-templates"}, "templates (my-templates) are not here"),
    ],
)
def test_what_cannot_be_read_is_said_on_the_page(deployed, tmp_path, monkeypatch, settings, note):
    monkeypatch.chdir(tmp_path)
    connection = deployed(**settings)
    (said,) = connection.notes
    assert note in said
    with served(connection) as address:
        assert requests.get(f"{address}/page/deliveries", timeout=9).ok
        assert requests.get(f"{address}/page/groups", timeout=9).ok


def test_a_token_names_the_person_and_a_role_that_is_missing_is_asked_for(monkeypatch):
    with raw(odata(403, "AuthorizationPermissionMismatch")) as server:
        env = {"AzureWebJobsStorage__tableServiceUri": server.url, "BRIDGE_GROUP": PLATFORM}
        # Tokens travel over TLS alone.
        monkeypatch.setattr("bridge.local.console.connection._account", lambda *_: Account("", server.url, "", _key()))
        with pytest.raises(CommandError, match="--assignee-object-id a-person"):
            connect(Wanted(), env, SignIn())


@pytest.mark.parametrize(
    ("wanted", "problem"),
    [
        (Wanted(), "Name the app with --app"),
        (Wanted(storage="a/b"), "has letters and digits"),
        (Wanted(storage="a.b"), "has letters and digits"),
        (Wanted(app="bridge-app"), "Nobody is signed in: run `az login`"),
        (Wanted(storage="stbridge"), "Nobody is signed in: run `az login`"),
    ],
)
def test_what_is_missing_is_said(wanted, problem):
    with pytest.raises(CommandError, match=problem):
        connect(wanted, {}, SignIn(None))


def test_the_sign_in_is_that_of_azure_cli(tmp_path, monkeypatch):
    body = base64.urlsafe_b64encode(json.dumps(PERSON).encode()).decode().rstrip("=")
    token = {"accessToken": f"h.{body}.s", "expires_on": int(time.time()) + 3600, "tokenType": "Bearer"}
    (tmp_path / "az").write_text(f"#!/bin/sh\necho \"$*\" >> {tmp_path}/asked\necho '{json.dumps(token)}'\n")
    (tmp_path / "az").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with raw(found()) as server:
        monkeypatch.setitem(CLOUDS, "global", replace(CLOUDS["global"], manager=server.url))
        with pytest.raises(CommandError, match="sees no app bridge-app"):
            connect(Wanted(app="bridge-app"), {})
        assert f"Authorization: Bearer {token['accessToken']}".encode() in server.requests[0]
    assert "account get-access-token" in (tmp_path / "asked").read_text()


def test_the_command_says_in_a_line_what_is_missing(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in ("AzureWebJobsStorage", "BRIDGE_GROUP", "BRIDGE_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    assert cli.main(["console"]) == 2
    assert "Name the app with --app" in capsys.readouterr().err
