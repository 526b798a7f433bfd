"""The files that `init` writes: settings of this machine, groups and routes, parameters of the deployment."""

from __future__ import annotations

import json
import os
import secrets
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bridge.errors import CommandError
from bridge.local.config import DEMO_GROUP
from bridge.sources import SOURCES
from bridge.sources.secrets import MADE_BY_THE_SERVICE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

LOCAL, AZURE = "local", "azure"
STAND_IN, DEVELOPER, MAIL = "stand-in", "developer", "mail"
SETTINGS, CONFIG, PARAMETERS = "local.settings.json", "config.toml", "answers.json"
_SCHEMA = "https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#"
_STAND_IN = {
    "IDENTITY_ENDPOINT": "http://127.0.0.1:7071/msi/token",
    "IDENTITY_HEADER": "local",
    "BRIDGE_GRAPH_URL": "http://127.0.0.1:7071/graph/v1.0",
}
_OF_THE_DEPLOYMENT: Mapping[str, Mapping[str, str]] = {
    MAIL: {"identity": "managed-identity", "channel": "mail"},
    "agent-user": {
        "identity": "agent-user", "channel": "threads", "blueprintId": "", "agentId": "", "agentUserId": ""
    },
    "service-account": {"identity": "service-account", "channel": "threads", "appId": ""},
}  # fmt: skip
IDENTITIES: Mapping[str, Sequence[str]] = {LOCAL: (STAND_IN, DEVELOPER), AZURE: tuple(_OF_THE_DEPLOYMENT)}
_CONFIG = """\
# Groups and routes. Routes are tried from top to bottom, and the first that matches wins; what none matches goes to
# BRIDGE_GROUP. config.example.toml has routes for the usual cases, docs/own-service.md explains sources of your own.

[groups]
{name} = {group}

# The first route of most groups: nothing of what bots do, unless it is a warning or worse. Remove the number signs.
# [[route]]
# when = "attributes.bot and severity < 'warning'"
# groups = []
"""


@dataclass(frozen=True)
class Answers:
    """What `init` knows. where: LOCAL or AZURE. group: an object id, or empty. secrets: made by services."""

    where: str = LOCAL
    group: str = ""
    group_name: str = ""
    services: tuple[str, ...] = ("github",)
    identity: str = STAND_IN
    mail_from: str = ""
    time_zone: str = "UTC"
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def generated(self) -> tuple[str, ...]:
        """The services for which a secret is made here."""
        return tuple(one for one in self.services if SOURCES[one].verifier and one not in MADE_BY_THE_SERVICE)


def files(answers: Answers, folder: Path) -> Mapping[Path, str]:
    """The text of each file. What local.settings.json has already, and the answers do not decide, stays in it."""
    config = _config(answers, folder / CONFIG)
    made = {folder / SETTINGS: _settings(answers, _existing(folder / SETTINGS)), folder / CONFIG: config}
    if answers.where == AZURE:
        made[folder / PARAMETERS] = _parameters(answers, config)
    return made


def known(folder: Path) -> Answers:
    """The answers that the files in the folder give already; defaults for the rest."""
    values = _existing(folder / SETTINGS).get("Values", {})
    services = tuple(name for name, source in SOURCES.items() if values.get(source.secret_setting))
    group = values.get("BRIDGE_GROUP", "")
    return Answers(
        group="" if group == DEMO_GROUP else group,
        group_name=next((name for name, one in _groups(folder / CONFIG).items() if one == group), ""),
        services=services or Answers.services,
        identity=DEVELOPER if values.get("BRIDGE_IDENTITY") == DEVELOPER else STAND_IN,
        time_zone=values.get("BRIDGE_TIME_ZONE") or Answers.time_zone,
    )


def changes(made: Mapping[Path, str]) -> list[str]:
    """A sentence for each file that exists with another text: what would change in it. Secrets are only named."""
    return [_change(path, text) for path, text in made.items() if path.exists() and path.read_text("utf-8") != text]


def write(made: Mapping[Path, str]) -> list[Path]:
    """Write what is not so already, for this user only as it may hold secrets; a file that changes is kept as *.bak."""
    written = []
    for path, text in made.items():
        if path.exists() and path.read_text("utf-8") == text:
            continue
        try:
            if path.exists():
                path.replace(path.with_name(f"{path.name}.bak"))
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            raise CommandError(f"Cannot write {path}: {error.strerror}.") from error
        written.append(path)
    return written


def _existing(path: Path) -> Mapping[str, Any]:
    if not path.exists():
        return {}
    try:
        document = json.loads(path.read_text("utf-8-sig"))
    except (OSError, ValueError) as error:
        raise CommandError(f"{path} cannot be read: {error}. Move it away, and try again.") from error
    return document if isinstance(document, dict) else {}


def _settings(answers: Answers, existing: Mapping[str, Any]) -> str:
    known = existing.get("Values", {})
    # Either the stand-in receives the posts, or this person's account posts them.
    posts, others = (
        ({"BRIDGE_IDENTITY": DEVELOPER}, _STAND_IN)
        if answers.identity == DEVELOPER
        else (_STAND_IN, {"BRIDGE_IDENTITY": ""})
    )
    kept = {name: value for name, value in known.items() if name not in others}
    values = {
        "FUNCTIONS_WORKER_RUNTIME": "python",
        "AzureWebJobsStorage": "UseDevelopmentStorage=true",
        "BRIDGE_SETTLE_SECONDS": "2",
        "BRIDGE_OUTBOX": ".bridge/outbox.sqlite",
        **kept,
        **posts,
        "BRIDGE_GROUP": answers.group or DEMO_GROUP,
        "BRIDGE_CONFIG": CONFIG,
        "BRIDGE_TIME_ZONE": answers.time_zone,
    }
    for name in answers.services:
        setting = SOURCES[name].secret_setting
        if name in answers.generated:
            values.setdefault(setting, secrets.token_hex(32))
        elif name in answers.secrets:
            values[setting] = answers.secrets[name]
    rest = {name: value for name, value in existing.items() if name != "Values"}
    document = {"IsEncrypted": False, "Host": {"LocalHttpPort": 7072}, **rest, "Values": values}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _groups(path: Path) -> Mapping[str, str]:
    """The object ids of the groups in a configuration, by their names."""
    try:
        groups = tomllib.loads(path.read_text("utf-8")).get("groups", {})
    except (OSError, ValueError):
        return {}
    return {name: str(one.get("id", "") if isinstance(one, dict) else one) for name, one in groups.items()}


def _config(answers: Answers, path: Path) -> str:
    """The configuration; one that names the group already stays as it is, with its routes."""
    if (answers.group or DEMO_GROUP) in _groups(path).values():
        return path.read_text("utf-8")
    # A JSON text is a TOML text, but for what TOML has no escape for; names have none of that.
    name, group = (json.dumps(text, ensure_ascii=False) for text in (answers.group_name, answers.group or DEMO_GROUP))
    return _CONFIG.format(name=name, group=group)


def _parameters(answers: Answers, config: str) -> str:
    values: dict[str, Any] = {
        "group": answers.group,
        "config": config if answers.group else "",
        **_OF_THE_DEPLOYMENT[answers.identity],
        **({"mailFrom": answers.mail_from} if answers.identity == MAIL else {}),
        "timeZone": answers.time_zone,
        "generatedSecrets": list(answers.generated),
        "webhookSecrets": dict(answers.secrets),
    }
    parameters = {name: {"value": value} for name, value in values.items()}
    document = {"$schema": _SCHEMA, "contentVersion": "1.0.0.0", "parameters": parameters}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _change(path: Path, text: str) -> str:
    if path.name == CONFIG:
        return f"{path.name} would be replaced"
    key = "Values" if path.name == SETTINGS else "parameters"
    before, after = _existing(path).get(key, {}), json.loads(text)[key]
    found = [f"{name} would change" for name in after if name in before and before[name] != after[name]]
    found += [f"{name} would be new" for name in after if name not in before]
    found += [f"{name} would be gone" for name in before if name not in after]
    return f"{path.name}: {', '.join(found) or 'another layout'}"
