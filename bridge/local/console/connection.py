"""The connection to a deployed app's storage: which account, whose sign-in, and what is known of the app's settings."""

import base64
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from azure.core.exceptions import AzureError
from azure.identity import AzureCliCredential, ChainedTokenCredential, DefaultAzureCredential

from bridge.app import Bridge
from bridge.clouds import CLOUDS, Cloud
from bridge.configuration import Configuration
from bridge.deliveries import DeliveryFilter
from bridge.errors import CommandError, SettingsError
from bridge.local.console.deployed_app import DeployedApp, Subscriptions
from bridge.local.console.storage_errors import Explainer, nobody_signed_in
from bridge.outbox import CONNECTION, is_configured
from bridge.outbox.azure import AzureOutbox
from bridge.outbox.azure_queue import AzureQueue
from bridge.outbox.azure_storage import Account
from bridge.publishing.delivery import Delivery
from bridge.settings.conversions import is_toml

_STORAGE_SCOPE = "https://storage.azure.com/.default"
_UNRESOLVED = "@Microsoft.KeyVault("
_PREFIXES = ("BRIDGE_", CONNECTION)
_SERVICES = ("table", "queue", "blob")
_WHICH = "Name the app with --app, or its storage account with --storage."


@dataclass(frozen=True)
class Wanted:
    """What a person asks for. app, resource_group, storage: names, or empty."""

    app: str = ""
    resource_group: str = ""
    storage: str = ""
    writes: bool = False


@dataclass(frozen=True)
class Connection:
    """A storage that can be read.

    title: what the page is of. account: the storage account's name. person: whose sign-in it is. queue: None where
    nothing is written. bridge: None where the app's settings are not known. notes: what cannot be read, and why.
    host: of the app, or empty.
    """

    title: str
    account: str
    person: str
    storage: Account
    outbox: AzureOutbox
    queue: AzureQueue | None
    explainer: Explainer
    bridge: Bridge | None
    notes: tuple[str, ...]
    host: str = ""


def connect(wanted: Wanted, env: Mapping[str, str], credential: Any = None) -> Connection:
    """Find the storage and read a first row; CommandError with what helps if that is not possible.

    env: of the process. credential: in place of the sign-in of `az login`, or of what else there is without it.
    """
    cloud = _cloud(env)
    credential = credential or ChainedTokenCredential(AzureCliCredential(), DefaultAzureCredential())
    app = _app(wanted, cloud, credential) if wanted.app else None
    found = _environment(wanted, env, app, cloud)
    account = _account(found, credential)
    name = _name(account)
    person, identity, kind = ("a connection string", "", "") if account.connection else _signed_in(credential, name)
    explainer = Explainer(name, identity, kind, wanted.writes)
    outbox = AzureOutbox(account.table(make=False))
    try:
        outbox.deliveries(DeliveryFilter(), 1)
        queue = AzureQueue(account) if wanted.writes else None
    except AzureError as error:
        raise CommandError(explainer.explain(error)) from error
    configuration, notes = _configuration(found, app)
    bridge = _bridge(configuration, outbox, queue) if configuration else None
    title, host = (app.name, app.host) if app else (name, "")
    return Connection(title, name, person, account, outbox, queue, explainer, bridge, notes, host)


def _cloud(env: Mapping[str, str]) -> Cloud:
    try:
        return CLOUDS[env.get("BRIDGE_CLOUD", "").strip() or "global"]
    except KeyError:
        raise CommandError(f"BRIDGE_CLOUD must be one of {', '.join(CLOUDS)}.") from None


def _app(wanted: Wanted, cloud: Cloud, credential: Any) -> DeployedApp:
    scope = f"https://{cloud.manager}/.default"

    def token() -> str:
        return _token(credential, scope)

    return Subscriptions(token, cloud.manager).app(wanted.app, wanted.resource_group)


def _token(credential: Any, scope: str) -> str:
    try:
        return str(credential.get_token(scope).token)
    except AzureError as error:
        raise CommandError(nobody_signed_in(error)) from error


def _environment(wanted: Wanted, env: Mapping[str, str], app: DeployedApp | None, cloud: Cloud) -> dict[str, str]:
    """The settings by which the storage is found and the app's routes are read."""
    if app:
        settings = {name: text for name, text in (app.settings or {}).items() if name.startswith(_PREFIXES)}
        own = {name: text for name, text in settings.items() if name.startswith("BRIDGE_")}
        storage = _storage_of(settings) or _addresses(wanted.storage or app.storage, cloud)
        if not storage:
            raise CommandError(f"The settings of {app.name} name no storage account that can be read: add --storage.")
        return {name: _without_reference(text) for name, text in own.items()} | storage
    own = {name: text for name, text in env.items() if name.startswith("BRIDGE_")}
    if wanted.storage:
        return own | _addresses(wanted.storage, cloud)
    if not is_configured(env):
        raise CommandError(_WHICH)
    return own | _storage_of(env)


def _storage_of(settings: Mapping[str, str]) -> dict[str, str]:
    """The settings of the host's storage, without the app's own credential."""
    text = settings.get(CONNECTION, "").strip()
    if text and _UNRESOLVED not in text:
        return {CONNECTION: text}
    named = {name: value for name, value in settings.items() if name.startswith(f"{CONNECTION}__")}
    parts = ("accountName", *(f"{service}ServiceUri" for service in _SERVICES))
    return {name: value for name, value in named.items() if name.removeprefix(f"{CONNECTION}__") in parts}


def _addresses(account: str, cloud: Cloud) -> dict[str, str]:
    if not account:
        return {}
    if not account.isalnum() or not account.isascii():
        raise CommandError("The name of a storage account has letters and digits: `az storage account list` shows it.")
    return {
        f"{CONNECTION}__{service}ServiceUri": f"https://{account.lower()}.{service}.{cloud.storage}"
        for service in _SERVICES
    }


def _without_reference(text: str) -> str:
    """The text, or a stand-in for a secret that only the app can read: it authenticates nobody here."""
    return secrets.token_hex(16) if _UNRESOLVED in text else text


def _account(env: Mapping[str, str], credential: Any) -> Account:
    found = Account.from_env(env)
    return found if found.connection else Account("", found.tables, found.queues, credential, found.blobs)


def _name(account: Account) -> str:
    parts = dict(part.split("=", 1) for part in account.connection.split(";") if "=" in part)
    return parts.get("AccountName") or (urlsplit(account.tables).hostname or "").partition(".")[0] or "the emulator"


def _signed_in(credential: Any, account: str) -> tuple[str, str, str]:
    """The name, the object id and the kind of who is signed in, from the token that storage gets."""
    claims = _claims(_token(credential, _STORAGE_SCOPE))
    user = claims.get("upn") or claims.get("unique_name") or claims.get("preferred_username")
    name = user or claims.get("appid") or f"somebody who may use {account}"
    return str(name), str(claims.get("oid") or "<object id>"), "User" if user else "ServicePrincipal"


def _claims(token: str) -> Mapping[str, Any]:
    """What a token says, for people: nothing is decided by it."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (ValueError, IndexError):
        return {}
    return claims if isinstance(claims, dict) else {}


def _bridge(configuration: Configuration, outbox: AzureOutbox, queue: AzureQueue | None) -> Bridge:
    """The bridge of the settings. With a queue it can requeue: the app then posts, and not this process."""
    if queue is None:
        return Bridge(configuration)
    delivery = Delivery(configuration.settings, configuration.groups, configuration.titles, outbox, queue)
    return Bridge(configuration, delivery.publisher)


def _configuration(env: dict[str, str], app: DeployedApp | None) -> tuple[Configuration | None, tuple[str, ...]]:
    """What the settings say, and what of them cannot be read here."""
    where = "Groups are shown by their ids, and nothing can be rendered or sent again"
    if app and app.settings is None:
        return None, (f"The settings of {app.name} cannot be read: {app.problem}. {where}.",)
    if not any(env.get(name) for name in ("BRIDGE_GROUP", "BRIDGE_CONFIG")):
        return None, (f"The app's settings are not known here: use --app. {where}.",)
    notes: list[str] = []
    if env.get("BRIDGE_TEMPLATES") and not Path(env["BRIDGE_TEMPLATES"]).is_dir():
        folder = env.pop("BRIDGE_TEMPLATES")
        notes.append(f"The app's templates ({folder}) are not here: what is rendered here has the bridge's own.")
    config = env.get("BRIDGE_CONFIG", "").strip()
    if config and not is_toml(config) and not Path(config).is_file():
        return None, (*notes, f"The app's routes are in its package ({config}): start this in its clone. {where}.")
    try:
        return Configuration.from_env(env), tuple(notes)
    except SettingsError as error:
        return None, (*notes, f"The app's settings cannot be read: {error}. {where}.")
