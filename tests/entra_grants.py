"""The token endpoint and the authorization endpoint of Entra.

https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
https://learn.microsoft.com/entra/agent-id/agent-user-oauth-flow
https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.entra_directory import Client, FederatedCredential, User, fmi_subject
from tests.entra_parameters import Refusal, check

if TYPE_CHECKING:
    from tests.entra import Entra

_OIDC = frozenset({"openid", "profile", "offline_access", "email"})


def grant_token(entra: Entra, request: Request, sent: list[tuple[str, str]]) -> Response:
    if request.url.query:
        raise Refusal("invalid_request", 900561, "The endpoint takes its parameters in the body, not in the query.")
    if not request.headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded"):
        raise Refusal("invalid_request", 900561, "The 'Content-Type' must be application/x-www-form-urlencoded.")
    grant_type = dict(sent).get("grant_type", "")
    if not grant_type:
        raise Refusal("invalid_request", 900144, "The request body must contain the following parameter: 'grant_type'.")
    if grant_type not in _GRANTS:
        raise Refusal("unsupported_grant_type", 70003, f"The app requested an unsupported grant_type '{grant_type}'.")
    required, optional, grant = _GRANTS[grant_type]
    form = check(sent, _EVERY_GRANT | required, {"client_info", "claims"} | optional)
    client = entra.clients.get(form["client_id"])
    if client is None:
        text = f"Application with identifier '{form['client_id']}' was not found in the directory (client_id)."
        raise Refusal("unauthorized_client", 700016, text)
    _check_assertion(entra, client, form["client_assertion"])
    if grant_type not in client.grants:
        text = f"The client '{client.client_id}' is not granted the use of grant_type '{grant_type}'."
        raise Refusal("unauthorized_client", 7000229, text)
    return JSONResponse(grant(entra, client, form), headers={"Cache-Control": "no-store, no-cache"})


def _check_assertion(entra: Entra, client: Client, assertion: str) -> None:
    """https://learn.microsoft.com/entra/workload-id/workload-identity-federation"""
    try:
        claims = entra.claims(assertion)
    except ValueError as error:
        code = 700024 if "time range" in str(error) else 700027
        raise Refusal("invalid_client", code, f"client_assertion is not good. {error}") from None
    presented = FederatedCredential(claims["iss"], claims["sub"], claims["aud"])
    if presented not in client.federated:
        text = f"No matching federated identity record found for the presented client_assertion: {presented}."
        raise Refusal("invalid_client", 700213, text)


def _client_credentials(entra: Entra, client: Client, form: Mapping[str, str]) -> dict[str, Any]:
    scope, agent = form["scope"], form.get("fmi_path", "")
    if scope == f"{entra.cloud.exchange}/.default":
        subject = client.client_id
        if client is entra.blueprint:
            subject = _vouched_for(entra, client, agent)
        elif agent:
            raise Refusal("invalid_request", 9000411, "The parameter 'fmi_path' is for agent identity blueprints.")
        own = {"appid": client.client_id, "oid": client.client_id, "idtyp": "app"}
        token = entra.jwt(entra.cloud.exchange, entra.token_seconds, sub=subject, **own, **_asked_claims(form))
    elif scope == entra.cloud.graph_scope and not agent:
        own = {"appid": client.client_id, **_asked_claims(form)}
        token = entra.graph_token("app", client.roles, client.client_id, entra.token_seconds, **own)
    elif not scope.endswith("/.default"):
        text = f"The provided value for scope '{scope}' is not valid: it must have the suffix /.default."
        raise Refusal("invalid_scope", 1002012, text)
    else:
        raise Refusal("invalid_resource", 500011, f"The resource principal of scope '{scope}' was not found.")
    return _bearer(entra, token)


def _vouched_for(entra: Entra, blueprint: Client, agent: str) -> str:
    if not agent:
        raise Refusal("invalid_request", 900144, "The request body must contain the following parameter: 'fmi_path'.")
    known = entra.clients.get(agent)
    if known is None or known.blueprint != blueprint.client_id:
        text = f"The fmi_path '{agent}' is no agent identity of the blueprint '{blueprint.client_id}'."
        raise Refusal("invalid_request", 700016, text)
    return fmi_subject(entra.tenant, blueprint.client_id, agent)


def _user_fic(entra: Entra, client: Client, form: Mapping[str, str]) -> dict[str, Any]:
    credential = "user_federated_identity_credential"
    try:
        claims = entra.claims(form[credential])
    except ValueError as error:
        raise Refusal("invalid_grant", 700024, f"{credential} is not good. {error}") from None
    if (claims["aud"], claims["sub"]) != (entra.cloud.exchange, client.client_id):
        text = f"{credential} is not a token for {entra.cloud.exchange} of the agent identity '{client.client_id}'."
        raise Refusal("invalid_grant", 700213, text)
    if ("user_id" in form) == ("username" in form):
        raise Refusal("invalid_request", 900144, "Exactly one of 'user_id' and 'username' must be there.")
    user = entra.agent_user
    if form.get("user_id", user.object_id) != user.object_id or form.get("username", user.username) != user.username:
        raise Refusal(
            "invalid_grant", 50034, "The user account of user_id or username does not exist in the directory."
        )
    if user.agent != client.client_id:
        raise Refusal("invalid_grant", 50105, "The user is not the agent identity's own (user_id or username).")
    return _for_user(entra, client, user, form)


def _authorization_code(entra: Entra, client: Client, form: Mapping[str, str]) -> dict[str, Any]:
    code = entra.codes.get(form["code"])
    if code is None or code.asked["client_id"] != client.client_id:
        raise Refusal("invalid_grant", 70000, "The provided value for the 'code' parameter is not valid.")
    if code.used:
        raise Refusal("invalid_grant", 54005, "OAuth2 Authorization code was already redeemed.")
    if code.expires <= entra.now():
        raise Refusal("invalid_grant", 70008, "The provided authorization code has expired.")
    if form["redirect_uri"] != code.asked["redirect_uri"]:
        text = "The reply address 'redirect_uri' does not match the one that the code was requested with."
        raise Refusal("invalid_client", 500112, text)
    digest = hashlib.sha256(form["code_verifier"].encode()).digest()
    if base64.urlsafe_b64encode(digest).decode().rstrip("=") != code.asked["code_challenge"]:
        text = "The code_verifier does not match the code_challenge supplied in the authorization request."
        raise Refusal("invalid_grant", 501481, text)
    if not set(form["scope"].split()) <= set(code.asked["scope"].split()):
        raise Refusal("invalid_scope", 70011, "The 'scope' has what the authorization request had not.")
    code.used = True
    return _for_user(entra, client, code.user, form, nonce=code.asked.get("nonce", ""))


def _refresh(entra: Entra, client: Client, form: Mapping[str, str]) -> dict[str, Any]:
    token = form["refresh_token"]
    kept = entra.refresh_tokens.get(token)
    if kept is None:
        raise Refusal("invalid_grant", 9002313, "The 'refresh_token' is malformed or was never issued.")
    if kept.client_id != client.client_id:
        raise Refusal("invalid_grant", 700005, "The 'refresh_token' was issued to another client.")
    if kept.expires <= entra.now():
        text = "The refresh token has expired due to inactivity."
        raise Refusal("invalid_grant", 700082, text, "token_expired")
    if token not in kept.user.signed_in:
        text = "The provided grant has expired due to it being revoked, a fresh auth token is needed."
        raise Refusal("invalid_grant", 50173, text, "bad_token")
    return _for_user(entra, client, kept.user, form)


# grant type: (what must be there, what may be there, who answers)
_EVERY_GRANT = {"client_id", "scope", "grant_type", "client_assertion_type", "client_assertion"}

_GRANTS: Mapping[str, tuple[set[str], set[str], Callable[[Entra, Client, Mapping[str, str]], dict[str, Any]]]] = {
    "client_credentials": (set(), {"fmi_path"}, _client_credentials),
    "user_fic": (
        {"user_federated_identity_credential"},
        {"user_id", "username", "requested_token_use"},
        _user_fic,
    ),
    "authorization_code": ({"code", "redirect_uri", "code_verifier"}, set(), _authorization_code),
    "refresh_token": ({"refresh_token"}, set(), _refresh),
}


def _for_user(entra: Entra, client: Client, user: User, form: Mapping[str, str], nonce: str = "") -> dict[str, Any]:
    """The answer to a grant for a user: https://learn.microsoft.com/entra/identity-platform/scopes-oidc."""
    if not user.enabled:
        raise Refusal("invalid_grant", 50057, "The user account is disabled.")
    permissions = _consented(entra, client, form["scope"])
    asked = set(form["scope"].split())
    own = {"appid": client.client_id, "upn": user.username, **_asked_claims(form)}
    answer = _bearer(entra, entra.graph_token("user", permissions, user.object_id, entra.token_seconds, **own))
    granted = {f"{entra.graph}/{name}" for name in permissions} | (asked & {entra.cloud.graph_scope})
    answer["scope"] = " ".join(sorted(granted | (asked & _OIDC - {"offline_access"})))
    if "offline_access" in asked:
        answer["refresh_token"] = entra.refresh_token(client, user)
    if "openid" in asked:
        names = {"preferred_username": user.username, "name": user.username}
        about = {"oid": user.object_id, "sub": user.object_id, **names, **({"nonce": nonce} if nonce else {})}
        answer["id_token"] = entra.jwt(client.client_id, entra.token_seconds, **about)
    if "client_info" in form:
        answer["client_info"] = client_info(entra, user)
    return answer


def _consented(entra: Entra, client: Client, scope: str) -> set[str]:
    """The permissions on Graph that the scope asks for; a name without a resource is one on Graph."""
    wanted = {word.removeprefix(f"{entra.graph}/") for word in scope.split()} - _OIDC
    if foreign := sorted(word for word in wanted if "/" in word):
        raise Refusal("invalid_resource", 500011, f"The resource principal of scope '{foreign[0]}' was not found.")
    if not wanted or (".default" in wanted and len(wanted) > 1):
        text = f"The provided value for the input parameter 'scope' is not valid: '{scope}'."
        raise Refusal("invalid_scope", 70011, text)
    permissions = set(client.scopes) if wanted == {".default"} else wanted
    if not permissions or not permissions <= client.scopes:
        text = f"The user or administrator has not consented to use the application for the scope '{scope}'."
        raise Refusal("invalid_grant", 65001, text, "consent_required")
    return permissions


def _asked_claims(form: Mapping[str, str]) -> dict[str, Any]:
    """The claims that a claims challenge, or a client's capabilities, ask into the token.

    https://learn.microsoft.com/entra/identity-platform/claims-challenge
    """
    asked = json.loads(form.get("claims", "{}")).get("access_token", {})
    return {
        name: wanted["values"] if "values" in wanted else wanted.get("value")
        for name, wanted in asked.items()
        if name != "nbf"  # asks for a token that is no older, and every token is new
    }


def _bearer(entra: Entra, token: str) -> dict[str, Any]:
    seconds = int(entra.token_seconds)
    return {"token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds, "access_token": token}


def client_info(entra: Entra, user: User) -> str:
    text = json.dumps({"uid": user.object_id, "utid": entra.tenant})
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def authorization_request(entra: Entra, url: str) -> dict[str, str]:
    parts = urlsplit(url)
    if url.partition("?")[0] != f"{entra.authority}/oauth2/v2.0/authorize":
        raise Refusal("invalid_request", 90002, f"'{parts.hostname}{parts.path}' is not the authorization endpoint.")
    asked = check(
        parse_qsl(parts.query, keep_blank_values=True),
        {"client_id", "response_type", "redirect_uri", "scope", "state", "code_challenge", "code_challenge_method"},
        {"response_mode", "nonce", "client_info", "prompt", "login_hint", "domain_hint", "claims", "max_age"}
        | {"X-AnchorMailbox"},
    )
    client = entra.clients.get(asked["client_id"])
    if client is None or "authorization_code" not in client.grants:
        raise Refusal("unauthorized_client", 700016, f"The client_id '{asked['client_id']}' may not sign anybody in.")
    if asked["redirect_uri"] not in client.redirect_uris:
        text = f"The redirect_uri '{asked['redirect_uri']}' does not match the ones configured for the application."
        raise Refusal("invalid_request", 50011, text)
    _consented(entra, client, asked["scope"])
    return asked
