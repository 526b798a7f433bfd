"""A strict stand-in for the secrets of one key vault.

https://learn.microsoft.com/rest/api/keyvault/secrets/operation-groups
"""

import json
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.entra import Entra
from tests.faults import Fault, happens, take_fault

LARGEST = 25 * 1024
_API_VERSIONS = frozenset({"7.4", "7.5", "7.6", "2025-07-01", "2026-04-01"})
_RECOVERABLE = {"recoveryLevel": "Recoverable+Purgeable", "recoverableDays": 90}
_MEMBERS = {"value": str, "contentType": str, "tags": dict, "attributes": dict}
_ATTRIBUTES = {"enabled": bool, "nbf": int, "exp": int}


class Refusal(Exception):
    """An error of Key Vault's; inner: the code of the error inside it."""

    def __init__(self, status: int, code: str, message: str, inner: str = "") -> None:
        super().__init__(f"{code}: {message}")
        self.status, self.code, self.message, self.inner = status, code, message, inner


@dataclass(frozen=True)
class Logged:
    """A request. status 0: dropped or hung up."""

    method: str
    path: str
    status: int


class KeyVault:
    """Everything that is not private may be changed at any time.

    permissions: what each principal may do. secrets: the versions of each, oldest first, as Key Vault shows them.
    deleted: those that are kept for recovery. down: answers 503 to everything. `faults` is what goes wrong next,
    `requests` what was asked for, oldest first.
    """

    def __init__(self, entra: Entra) -> None:
        self.host = f"bridge.{entra.cloud.vault}"
        self.permissions = {entra.user_assigned.principal_id: {"get", "set", "delete"}}
        self.secrets: dict[str, list[dict[str, Any]]] = {}
        self.deleted: dict[str, list[dict[str, Any]]] = {}
        self.down = False
        self.faults: list[Fault] = []
        self.requests: list[Logged] = []
        self._entra = entra

    @property
    def url(self) -> str:
        return f"https://{self.host}"

    def routes(self) -> list[Route]:
        """What the vault's host answers."""
        return [
            Route("/secrets/{name}", self._endpoint("set", _set), methods=["PUT"]),
            Route("/secrets/{name}", self._endpoint("delete", _delete), methods=["DELETE"]),
            *(
                Route(f"/secrets/{{name}}{rest}", self._endpoint("get", _get), methods=["GET"])
                for rest in ("", "/", "/{version}")
            ),
            Route("/deletedsecrets/{name}", self._endpoint("get", _get_deleted), methods=["GET"]),
        ]

    def put(self, name: str, value: str) -> None:
        """Adds a version of a secret, as a person does in the portal."""
        _add(self, name, {"value": value})

    def value(self, name: str) -> str | None:
        """The newest version's value; None when there is no such secret."""
        versions = self.secrets.get(name)
        return versions[-1]["value"] if versions else None

    def _endpoint(self, permission: str, act: Callable[["KeyVault", Request, bytes], dict[str, Any]]):
        async def endpoint(request: Request) -> Response:
            body, status = await request.body(), 0
            fault = Fault() if self.down else take_fault(self.faults, permission)
            try:
                if not await happens(fault, request):
                    return Response(status_code=500)  # to nobody
                response = self._answer(permission, act, request, body, fault)
                status = response.status_code
            finally:
                self.requests.append(Logged(request.method, request.url.path, status))
            if fault and fault.retry_after is not None:
                response.headers["Retry-After"] = str(fault.retry_after)
            return response

        return endpoint

    def _answer(
        self,
        permission: str,
        act: Callable[["KeyVault", Request, bytes], dict[str, Any]],
        request: Request,
        body: bytes,
        fault: Fault | None,
    ) -> Response:
        try:
            if fault and fault.status != 200:
                raise Refusal(fault.status, "ServiceUnavailable" if fault.status == 503 else fault.error, fault.text)
            _check_access(self, permission, request.headers.get("Authorization", ""))
            version = request.query_params.get("api-version")
            if version not in _API_VERSIONS or list(request.query_params) != ["api-version"]:
                raise Refusal(400, "BadParameter", f"The query must be a known api-version alone, not '{version}'.")
            if not re.fullmatch(r"[0-9a-zA-Z-]{1,127}", request.path_params["name"]):
                raise Refusal(400, "BadParameter", "The request URI contains an invalid name.")
            return JSONResponse(act(self, request, body))
        except Refusal as refusal:
            return _error(self, refusal)


def _check_access(vault: KeyVault, permission: str, authorization: str) -> None:
    scheme, _, token = authorization.partition(" ")
    if scheme != "Bearer" or not token:
        raise Refusal(401, "Unauthorized", "AKV10000: Request is missing a Bearer or PoP token.")
    try:
        claims = vault._entra.claims(token)
    except ValueError as error:
        raise Refusal(401, "Unauthorized", f"AKV10032: Invalid token. {error}") from None
    if claims["aud"] != f"https://{vault._entra.cloud.vault}":
        raise Refusal(401, "Unauthorized", f"AKV10022: Invalid audience. Found: {claims['aud']}.")
    if permission not in vault.permissions.get(claims["oid"], set()):
        text = f"Caller is not authorized to perform action on resource: {permission}, oid={claims['oid']}."
        raise Refusal(403, "Forbidden", text, "ForbiddenByRbac")


def _get(vault: KeyVault, request: Request, _: bytes) -> dict[str, Any]:
    name, version = request.path_params["name"], request.path_params.get("version")
    versions = vault.secrets.get(name, [])
    found = [secret for secret in versions if version is None or secret["id"].endswith(f"/{version}")]
    if not found:
        text = f"A secret with (name/id) {name}{f'/{version}' if version else ''} was not found in this key vault."
        raise Refusal(404, "SecretNotFound", text)
    if not found[-1]["attributes"]["enabled"]:
        text = "Operation get is not allowed on a disabled secret."
        raise Refusal(403, "Forbidden", text, "SecretDisabled")
    return found[-1]


def _set(vault: KeyVault, request: Request, body: bytes) -> dict[str, Any]:
    name = request.path_params["name"]
    if name in vault.deleted:
        text = f"Secret {name} is currently in a deleted but recoverable state, and its name cannot be reused."
        raise Refusal(409, "Conflict", text, "ObjectIsDeletedButRecoverable")
    if not request.headers.get("Content-Type", "").startswith("application/json"):
        raise Refusal(415, "UnsupportedMediaType", "The Content-Type must be application/json.")
    try:
        content = json.loads(body)
    except ValueError:
        content = None
    if not isinstance(content, dict) or "value" not in content:
        raise Refusal(400, "BadParameter", "Property 'value' is required.")
    _check_members(content, _MEMBERS)
    _check_members(content.get("attributes", {}), _ATTRIBUTES)
    if len(content["value"].encode()) > LARGEST:
        raise Refusal(400, "BadParameter", "Property 'value' has invalid value: it is larger than 25 KB.")
    if len(content.get("contentType", "")) > 255:
        raise Refusal(400, "BadParameter", "Property 'contentType' has invalid value: more than 255 characters.")
    tags = content.get("tags", {})
    if len(tags) > 15 or not all(isinstance(tag, str) and len(tag) <= 256 for pair in tags.items() for tag in pair):
        raise Refusal(400, "BadParameter", "Property 'tags' has invalid value: at most 15, of up to 256 characters.")
    return _add(vault, name, content)


def _check_members(content: dict[str, Any], types: dict[str, type]) -> None:
    for name, value in content.items():
        if name not in types or type(value) is not types[name]:
            raise Refusal(400, "BadParameter", f"Property '{name}' is unknown or of the wrong type.")


def _add(vault: KeyVault, name: str, content: dict[str, Any]) -> dict[str, Any]:
    now = int(vault._entra.now())
    times = {"created": now, "updated": now}
    secret = {
        **content,
        "id": f"{vault.url}/secrets/{name}/{uuid.uuid4().hex}",
        "attributes": {"enabled": True, **content.get("attributes", {}), **times, **_RECOVERABLE},
    }
    vault.secrets.setdefault(name, []).append(secret)
    return secret


def _delete(vault: KeyVault, request: Request, _: bytes) -> dict[str, Any]:
    name = request.path_params["name"]
    if name not in vault.secrets:
        raise Refusal(404, "SecretNotFound", f"A secret with (name/id) {name} was not found in this key vault.")
    vault.deleted[name] = vault.secrets.pop(name)
    return _deleted(vault, name)


def _get_deleted(vault: KeyVault, request: Request, _: bytes) -> dict[str, Any]:
    name = request.path_params["name"]
    if name not in vault.deleted:
        raise Refusal(404, "SecretNotFound", f"Deleted Secret not found: {name}.")
    return _deleted(vault, name)


def _deleted(vault: KeyVault, name: str) -> dict[str, Any]:
    newest, now = vault.deleted[name][-1], int(vault._entra.now())
    shown = {key: value for key, value in newest.items() if key != "value"}
    times = {"deletedDate": now, "scheduledPurgeDate": now + 90 * 24 * 3600}
    return {**shown, "recoveryId": f"{vault.url}/deletedsecrets/{name}", **times}


def _error(vault: KeyVault, refusal: Refusal) -> Response:
    error: dict[str, Any] = {"code": refusal.code, "message": refusal.message}
    if refusal.inner:
        error["innererror"] = {"code": refusal.inner}
    challenge = f'Bearer authorization="{vault._entra.authority}", resource="https://{vault._entra.cloud.vault}"'
    headers = {"WWW-Authenticate": challenge} if refusal.status == 401 else {}
    return JSONResponse({"error": error}, refusal.status, headers)
