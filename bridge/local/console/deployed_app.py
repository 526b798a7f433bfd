"""Finds a deployed app with the sign-in of a person: its settings, its address and its storage account.

Resource Graph finds the app in all subscriptions at once: https://learn.microsoft.com/azure/governance/resource-graph/overview
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests

from bridge.errors import CommandError, redacted_line

_TIMEOUT = 30  # seconds
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,59}")
_GROUP = re.compile(r"[\w().-]{1,90}")
_GRAPH_VERSION, _WEB_VERSION = "2022-10-01", "2024-11-01"
_QUERY = (
    "resources | where type =~ 'microsoft.web/sites' and name =~ '{name}'{group}"
    " | project id, name, resourceGroup, host = properties.defaultHostName,"
    " deployment = properties.functionAppConfig.deployment.storage.value"
)


@dataclass(frozen=True)
class DeployedApp:
    """An app in Azure.

    host: its host name. settings: None if they cannot be read, and why in `problem`. storage: the name of the account
    from which it is deployed, which is its storage account, or empty.
    """

    name: str
    resource_group: str
    host: str
    settings: Mapping[str, str] | None
    storage: str
    problem: str = ""


class Subscriptions:
    """Everything that a person may read in Azure. token: returns one for `host`, the Resource Manager of the cloud."""

    def __init__(self, token: Callable[[], str], host: str) -> None:
        self._token = token
        self._base = host if "://" in host else f"https://{host}"

    def app(self, name: str, resource_group: str = "") -> DeployedApp:
        """The app of that name; CommandError if there is none, or more than one."""
        name = name.strip().removeprefix("https://").partition(".")[0]
        if not _NAME.fullmatch(name) or (resource_group and not _GROUP.fullmatch(resource_group)):
            raise CommandError("The name of an app has letters, digits and hyphens: `az functionapp list` shows it.")
        group = f" and resourceGroup =~ '{resource_group}'" if resource_group else ""
        found = self._found(_QUERY.format(name=name, group=group))
        if not found:
            where = f" in the resource group {resource_group}" if resource_group else ""
            raise CommandError(
                f"This sign-in sees no app {name}{where}: check the name, and the tenant (`az account show`); it takes"
                " the role Reader on the app to see it."
            )
        if len(found) > 1:
            groups = ", ".join(sorted(str(row["resourceGroup"]) for row in found))
            raise CommandError(f"There are {len(found)} apps {name}: choose one with --resource-group ({groups}).")
        return self._described(found[0])

    def _described(self, row: Mapping[str, Any]) -> DeployedApp:
        settings, problem = self._settings(str(row["id"]))
        deployment = urlsplit(str(row.get("deployment") or "")).hostname or ""
        return DeployedApp(
            name=str(row["name"]),
            resource_group=str(row["resourceGroup"]),
            host=str(row.get("host") or ""),
            settings=settings,
            storage=deployment.partition(".")[0],
            problem=problem,
        )

    def _found(self, query: str) -> list[Mapping[str, Any]]:
        path = f"/providers/Microsoft.ResourceGraph/resources?api-version={_GRAPH_VERSION}"
        answer = self._post(path, {"query": query, "options": {"resultFormat": "objectArray"}})
        if answer.status_code != 200:
            raise CommandError(f"Azure does not list the apps of this sign-in: {_reason(answer)}")
        return list(answer.json().get("data", ()))

    def _settings(self, app: str) -> tuple[Mapping[str, str] | None, str]:
        """The app's settings, or why they cannot be read."""
        answer = self._post(f"{app}/config/appsettings/list?api-version={_WEB_VERSION}", None)
        if answer.status_code == 200:
            return {str(name): str(value) for name, value in answer.json().get("properties", {}).items()}, ""
        if answer.status_code == 403:
            return None, "it takes the role Website Contributor on the app to read its settings"
        return None, _reason(answer)

    def _post(self, path: str, content: object) -> requests.Response:
        headers = {"Authorization": f"Bearer {self._token()}"}
        try:
            return requests.post(self._base + path, json=content, headers=headers, timeout=_TIMEOUT)
        except requests.RequestException as error:
            raise CommandError(f"{urlsplit(self._base).hostname} does not answer: {type(error).__name__}.") from error


def _reason(answer: requests.Response) -> str:
    """What Azure says of a request that it does not carry out."""
    try:
        error = answer.json()["error"]
        text = f"{error.get('code', '')}: {error.get('message', '')}"
    except (ValueError, KeyError, TypeError, AttributeError):
        text = answer.reason or ""
    return redacted_line(f"{answer.status_code} {text}")
