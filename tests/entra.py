"""A strict stand-in for Entra, and for the managed-identity endpoint of App Service.

It takes the documented requests with the documented values, and nothing else: whatever is missing, unknown or wrong is
refused with an error that names it. What Azure's own libraries add to the documented requests is known too.

https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
https://learn.microsoft.com/entra/agent-id/agent-user-oauth-flow
https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow
https://learn.microsoft.com/entra/identity-platform/reference-error-codes
"""

import asyncio
import base64
import contextlib
import functools
import hashlib
import json
import re
import secrets
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bridge.clouds import Cloud
from bridge.local.tokens import Grant, Tokens

TENANT = "00000000-0000-4000-8000-0000000000a0"
PUBLIC_URL = "https://webhook-bridge.azurewebsites.net"
REDIRECT_URI = f"{PUBLIC_URL}/api/sign-in/callback"
DELEGATED = "Group-Conversation.ReadWrite.All"
IDENTITY_HEADER = "identity-header-of-the-stand-in"
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
CODE_SECONDS = 600
REFRESH_SECONDS = 90 * 24 * 3600
_OIDC = frozenset({"openid", "profile", "offline_access", "email"})
_KEY_ID = "stand-in"
# As https://login.microsoftonline.com/common/discovery/instance lists them.
_ALIASES = {
    "login.microsoftonline.com": [
        "login.microsoftonline.com",
        "login.windows.net",
        "login.microsoft.com",
        "sts.windows.net",
    ],
    "login.microsoftonline.us": ["login.microsoftonline.us", "login.usgovcloudapi.net"],
    "login.chinacloudapi.cn": ["login.partner.microsoftonline.cn", "login.chinacloudapi.cn"],
}


class Refusal(Exception):
    """An error of Entra's: `code` is the number after AADSTS."""

    def __init__(self, error: str, code: int, text: str, suberror: str = "", claims: str = "", status: int = 0) -> None:
        super().__init__(f"{error} AADSTS{code}: {text}")
        self.error, self.code, self.text, self.suberror, self.claims = error, code, text, suberror, claims
        self.status = status or (401 if error == "invalid_client" else 400)


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one request.

    status: 0 drops the connection, 200 answers as if nothing had been. delay: seconds until then; whoever hangs up
    sooner has not been answered. endpoint: which one (`token`, `identity`, `openid-configuration`, `keys`, `instance`);
    empty: any. The others are what the error says.
    """

    status: int = 503
    error: str = "temporarily_unavailable"
    code: int = 90033
    text: str = "A transient error has occurred. Please try again."
    suberror: str = ""
    claims: str = ""
    retry_after: int | None = None
    delay: float = 0
    endpoint: str = ""


@dataclass(frozen=True)
class Logged:
    """A request. status 0: dropped or hung up. outcome: `ok`, or the error as it was said."""

    endpoint: str
    form: Mapping[str, str]
    status: int
    outcome: str


@dataclass(frozen=True)
class FederatedCredential:
    """Whose tokens are good as an application's client assertion."""

    issuer: str
    subject: str
    audience: str


@dataclass
class ManagedIdentity:
    client_id: str
    principal_id: str
    roles: set[str] = field(default_factory=set)


@dataclass
class Client:
    """An application that may ask for tokens: a blueprint, an agent identity, or an app registration.

    grants: the grant types that it may use. roles, scopes: what it is permitted on Graph by itself, and for a user.
    """

    client_id: str
    federated: list[FederatedCredential]
    grants: set[str]
    blueprint: str = ""
    roles: set[str] = field(default_factory=set)
    scopes: set[str] = field(default_factory=set)
    redirect_uris: set[str] = field(default_factory=set)


@dataclass
class User:
    """agent: the client id of the agent identity whose user it is. signed_in: the refresh tokens that are good."""

    object_id: str
    username: str
    agent: str = ""
    enabled: bool = True
    signed_in: set[str] = field(default_factory=set)


@dataclass
class Code:
    """An authorization code, with what it was asked for."""

    asked: Mapping[str, str]
    user: User
    expires: float
    used: bool = False


@dataclass
class RefreshToken:
    client_id: str
    user: User
    expires: float


@functools.cache
def signing_key() -> rsa.RSAPrivateKey:
    """Of all tokens of this process: making one takes a while."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Entra:
    """One tenant of a cloud. Everything that is not private may be changed at any time.

    `requests` has what was asked for, oldest first; `faults` what goes wrong next. `clock_offset`: how many seconds
    Microsoft's clock is ahead of ours. `token_seconds`, `identity_seconds`: how long tokens live that are given to
    applications, and to managed identities.
    """

    def __init__(self, cloud: Cloud, tokens: Tokens) -> None:
        self.cloud = cloud
        self.tenant = TENANT
        self.faults: list[Fault] = []
        self.requests: list[Logged] = []
        self.clock_offset = 0.0
        self.token_seconds = 3600
        self.identity_seconds = 24 * 3600
        self.system_assigned: ManagedIdentity | None = ManagedIdentity(_id("b1"), _id("b2"))
        self.user_assigned = ManagedIdentity(_id("c1"), _id("c2"), {DELEGATED})
        by_identity = FederatedCredential(self.issuer, self.user_assigned.principal_id, cloud.exchange)
        self.blueprint = Client(_id("e1"), [by_identity], {"client_credentials"})
        self.agent = Client(
            _id("e2"),
            [FederatedCredential(self.issuer, fmi_subject(TENANT, _id("e1"), _id("e2")), cloud.exchange)],
            {"client_credentials", "user_fic", "refresh_token"},
            blueprint=self.blueprint.client_id,
            scopes={DELEGATED},
        )
        self.application = Client(
            _id("f1"),
            [by_identity],
            {"authorization_code", "refresh_token"},
            scopes={DELEGATED},
            redirect_uris={REDIRECT_URI},
        )
        self.agent_user = User(_id("e3"), "bridge-agent@contoso.com", agent=self.agent.client_id)
        self.person = User(_id("f2"), "bridge-account@contoso.com")
        self._codes: dict[str, Code] = {}
        self._refresh_tokens: dict[str, RefreshToken] = {}
        self._identity_tokens: dict[tuple[str, str], dict[str, str]] = {}
        self._tokens = tokens

    @property
    def authority(self) -> str:
        return f"https://{self.cloud.login}/{self.tenant}"

    @property
    def issuer(self) -> str:
        return f"{self.authority}/v2.0"

    @property
    def graph(self) -> str:
        """The audience of tokens for Graph."""
        return f"https://{self.cloud.graph}"

    @property
    def clients(self) -> dict[str, Client]:
        return {client.client_id: client for client in (self.blueprint, self.agent, self.application)}

    def now(self) -> float:
        """By Microsoft's clock, in seconds since 1970."""
        return time.time() + self.clock_offset

    def routes(self) -> list[Route]:
        """What the login host of the cloud answers."""
        return [
            Route("/common/discovery/instance", self._endpoint("instance", _instance), methods=["GET"]),
            Route(
                "/{tenant}/v2.0/.well-known/openid-configuration",
                self._endpoint("openid-configuration", _openid_configuration),
                methods=["GET"],
            ),
            Route("/{tenant}/discovery/v2.0/keys", self._endpoint("keys", _keys), methods=["GET"]),
            Route("/{tenant}/oauth2/v2.0/token", self._endpoint("token", _token), methods=["POST"]),
        ]

    def identity_routes(self) -> list[Route]:
        """The endpoint that an app in Azure is given for its managed identities."""
        return [Route("/msi/token", self._endpoint("identity", _identity_token), methods=["GET"])]

    def sign_in(self, authorize_url: str, user: User | None = None, error: str = "") -> str:
        """What the browser of a person does who signs in: gives the URL that Entra sends it to.

        user: who signs in, the `person` by default. error: what is answered instead, like `access_denied`. With
        response_mode=form_post, the query of the URL is what the browser posts to the rest of it. Raises Refusal for a
        request that Entra shows an error page for.
        """
        asked = _authorization_request(self, authorize_url)
        answer = {"state": asked["state"]}
        if error:
            answer |= {"error": error, "error_description": "AADSTS65004: User declined to consent to access the app."}
        else:
            code = secrets.token_urlsafe(48)
            user = user or self.person
            self._codes[code] = Code(asked, user, self.now() + CODE_SECONDS)
            answer |= {"code": code, "session_state": str(uuid.uuid4())}
            if "client_info" in asked:
                answer["client_info"] = _client_info(self, user)
        return f"{asked['redirect_uri']}?{urlencode(answer)}"

    def revoke_refresh_tokens(self) -> None:
        """As an administrator does, or a new password."""
        for user in (self.person, self.agent_user):
            user.signed_in.clear()

    def refresh_token(self, client: Client, user: User) -> str:
        """A new refresh token, as after a sign-in."""
        token = f"1.{secrets.token_urlsafe(64)}"
        self._refresh_tokens[token] = RefreshToken(client.client_id, user, self.now() + REFRESH_SECONDS)
        user.signed_in.add(token)
        return token

    def jwt(self, audience: str, seconds: float, **claims: Any) -> str:
        """A signed token of this tenant."""
        now = int(self.now())
        times = {"iat": now, "nbf": now, "exp": now + int(seconds)}
        common = {
            "aud": audience,
            "iss": self.issuer,
            "tid": self.tenant,
            "ver": "2.0",
            "uti": secrets.token_urlsafe(16),
        }
        return jwt.encode(times | common | claims, signing_key(), "RS256", {"kid": _KEY_ID})

    def graph_token(self, kind: str, permissions: Iterable[str], subject: str, seconds: float, **claims: Any) -> str:
        """An access token that the stand-in Graph takes."""
        names = sorted(permissions)
        own: dict[str, Any] = {"roles": names} if kind == "app" else {"scp": " ".join(names)}
        token = self.jwt(self.graph, seconds, **own, oid=subject, sub=subject, idtyp=kind, **claims)
        # Graph has Microsoft's clock, so by ours it lives as long as by theirs.
        grant = Grant(kind, frozenset(names), subject, self.graph, time.time() + int(seconds))
        self._tokens.remember(token, grant)
        return token

    def claims(self, token: str) -> dict[str, Any]:
        """What a token of this tenant says that is good now; ValueError says what is wrong with any other."""
        unchecked = dict.fromkeys(("verify_exp", "verify_nbf", "verify_iat", "verify_aud"), False)
        try:
            claims = jwt.decode(token, signing_key().public_key(), ["RS256"], options=unchecked)
        except jwt.InvalidTokenError as error:
            raise ValueError(f"The token's signature is not good: {error}.") from None
        if claims["iss"] != self.issuer:
            raise ValueError(f"The issuer {claims['iss']} is not this tenant's.")
        if not claims["nbf"] <= self.now() + 300 or not self.now() < claims["exp"]:
            raise ValueError("The token is not within its valid time range.")
        return claims

    def _endpoint(self, name: str, answer: Callable[["Entra", Request, list[tuple[str, str]]], Response]):
        async def endpoint(request: Request) -> Response:
            body = (await request.body()).decode("utf-8", "replace")
            sent = parse_qsl(body if request.method == "POST" else request.url.query, keep_blank_values=True)
            fault = take_fault(self.faults, name)
            status, outcome = 0, "dropped"
            try:
                if not await happens(fault, request):
                    return Response(status_code=500)  # to nobody
                try:
                    response = _answer(self, request, sent, fault, answer)
                    outcome = "ok"
                except Refusal as refusal:
                    outcome, response = str(refusal), _ERRORS.get(name, _entra_error)(refusal, request)
                status = response.status_code
            finally:
                self.requests.append(Logged(name, dict(sent), status, outcome))
            if fault and fault.retry_after is not None:
                response.headers["Retry-After"] = str(fault.retry_after)
            return response

        return endpoint


def take_fault(faults: list[Fault], endpoint: str) -> Fault | None:
    """Takes the first of the faults that is for this endpoint."""
    for index, fault in enumerate(faults):
        if fault.endpoint in ("", endpoint):
            return faults.pop(index)
    return None


async def happens(fault: Fault | None, request: Request) -> bool:
    """Whether there is somebody left to answer after what the fault does to the connection."""
    if fault and fault.delay:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(fault.delay):
                while (await request.receive())["type"] != "http.disconnect":
                    pass
            return False
    if fault and fault.status == 0:
        # ASGI knows no way to drop a connection; uvicorn's transport does.
        request.receive.__self__.transport.abort()
        await asyncio.sleep(0)
        return False
    return True


def _answer(
    entra: Entra,
    request: Request,
    sent: list[tuple[str, str]],
    fault: Fault | None,
    answer: Callable[[Entra, Request, list[tuple[str, str]]], Response],
) -> Response:
    if fault and fault.status != 200:
        raise Refusal(fault.error, fault.code, fault.text, fault.suberror, fault.claims, fault.status)
    tenant = request.path_params.get("tenant", entra.tenant)
    if tenant != entra.tenant:
        raise Refusal("invalid_tenant", 90002, f"Tenant '{tenant}' not found.")
    return answer(entra, request, sent)


def fmi_subject(tenant: str, blueprint: str, agent: str) -> str:
    """The subject of the token with which a blueprint vouches for one of its agent identities."""
    parts = (base64.urlsafe_b64encode(uuid.UUID(each).bytes).decode().rstrip("=") for each in (tenant, blueprint))
    return "/eid1/c/pub/t/{}/a/{}/".format(*parts) + agent


# Discovery


def _instance(entra: Entra, _: Request, sent: list[tuple[str, str]]) -> Response:
    check(sent, {"api-version", "authorization_endpoint"}, set())
    aliases = _ALIASES[entra.cloud.login]
    metadata = [{"preferred_network": aliases[0], "preferred_cache": aliases[-1], "aliases": aliases}]
    endpoint = f"{entra.issuer}/.well-known/openid-configuration"
    return JSONResponse({"tenant_discovery_endpoint": endpoint, "api-version": "1.1", "metadata": metadata})


def _openid_configuration(entra: Entra, _: Request, sent: list[tuple[str, str]]) -> Response:
    check(sent, set(), set())
    oauth2 = f"{entra.authority}/oauth2/v2.0"
    return JSONResponse(
        {
            "issuer": entra.issuer,
            "authorization_endpoint": f"{oauth2}/authorize",
            "token_endpoint": f"{oauth2}/token",
            "device_authorization_endpoint": f"{oauth2}/devicecode",
            "end_session_endpoint": f"{oauth2}/logout",
            "jwks_uri": f"{entra.authority}/discovery/v2.0/keys",
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
            "response_modes_supported": ["query", "fragment", "form_post"],
            "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "msgraph_host": entra.cloud.graph,
        }
    )


def _keys(entra: Entra, _: Request, sent: list[tuple[str, str]]) -> Response:
    check(sent, set(), set())
    key = jwt.algorithms.RSAAlgorithm.to_jwk(signing_key().public_key(), as_dict=True)
    return JSONResponse({"keys": [{**key, "kid": _KEY_ID, "use": "sig", "issuer": entra.issuer}]})


# Parameters


def _is_json_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


_FORMATS: Mapping[str, Callable[[str], object]] = {
    name: re.compile(pattern, re.DOTALL).fullmatch
    for name, pattern in {
        "client_assertion_type": re.escape(JWT_BEARER),
        "client_info": "1",
        "code_challenge": r"[\w-]{43}",
        "code_challenge_method": "S256",
        "code_verifier": r"[\w.~-]{43,128}",
        "max_age": r"\d+",
        "nonce": r".{8,}",
        "prompt": "login|none|consent|select_account",
        "requested_token_use": "on_behalf_of",
        "response_mode": "query|form_post",
        "response_type": "code",
        "state": r".{8,}",
    }.items()
} | {"claims": _is_json_object}


def check(sent: list[tuple[str, str]], required: set[str], optional: set[str]) -> dict[str, str]:
    """The parameters of a request, which are all of those that it must have, and none that nobody documents."""
    names = [name for name, _ in sent]
    values = dict(sent)
    if "client_secret" in values:
        raise Refusal("invalid_client", 7000215, "Invalid client secret provided: 'client_secret' has no place here.")
    if missing := sorted(name for name in required if not values.get(name)):
        text = f"The request body must contain the following parameter: '{missing[0]}'."
        raise Refusal("invalid_request", 900144, text)
    if unknown := sorted(set(names) - required - optional):
        raise Refusal("invalid_request", 9000411, f"The parameter '{unknown[0]}' is not one of this request.")
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise Refusal("invalid_request", 9000411, f"The parameter '{repeated[0]}' is duplicated.")
    for name, value in values.items():
        if name in _FORMATS and not _FORMATS[name](value):
            raise Refusal("invalid_request", 9000410, f"The parameter '{name}' is malformed: '{value}'.")
    return values


# Tokens for applications, and for users by way of them


def _token(entra: Entra, request: Request, sent: list[tuple[str, str]]) -> Response:
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
    code = entra._codes.get(form["code"])
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
    kept = entra._refresh_tokens.get(token)
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
        answer["client_info"] = _client_info(entra, user)
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


def _client_info(entra: Entra, user: User) -> str:
    text = json.dumps({"uid": user.object_id, "utid": entra.tenant})
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _authorization_request(entra: Entra, url: str) -> dict[str, str]:
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


# Managed identities: https://learn.microsoft.com/azure/app-service/overview-managed-identity


def _identity_token(entra: Entra, request: Request, sent: list[tuple[str, str]]) -> Response:
    if request.headers.get("X-IDENTITY-HEADER") != IDENTITY_HEADER:
        raise Refusal("unauthorized", 0, "The X-IDENTITY-HEADER is missing or wrong.", status=401)
    # What Azure takes besides, and what azure-identity has no way to send to App Service.
    refreshing = {"token_sha256_to_refresh", "xms_cc"}
    asked = check(sent, {"api-version", "resource"}, {"client_id", "principal_id", "object_id"} | refreshing)
    if asked["api-version"] != "2019-08-01":
        raise Refusal("invalid_request", 0, f"The api-version '{asked['api-version']}' is not supported.")
    identity, resource = _identity(entra, asked), asked["resource"]
    if resource not in (entra.graph, entra.cloud.exchange, f"https://{entra.cloud.vault}"):
        text = f"The resource principal named '{resource}' was not found in the tenant (resource)."
        raise Refusal("invalid_resource", 500011, text)
    key = (identity.client_id, resource)
    kept = entra._identity_tokens.get(key)
    unwanted = asked.get("token_sha256_to_refresh")
    if (
        kept is None
        or float(kept["expires_on"]) - entra.now() < 300
        or hashlib.sha256(kept["access_token"].encode()).hexdigest() == unwanted
    ):
        kept = entra._identity_tokens[key] = _new_identity_token(entra, identity, resource)
    return JSONResponse(kept)


def _identity(entra: Entra, asked: Mapping[str, str]) -> ManagedIdentity:
    names = {"client_id": "client_id", "principal_id": "principal_id", "object_id": "principal_id"}
    given = {(attribute, asked[name]) for name, attribute in names.items() if name in asked}
    if not given and entra.system_assigned:
        return entra.system_assigned
    user_assigned = entra.user_assigned
    if given and all(getattr(user_assigned, attribute) == value for attribute, value in given):
        return user_assigned
    raise Refusal("invalid_request", 0, "Unable to load the proper Managed Identity (client_id).")


def _new_identity_token(entra: Entra, identity: ManagedIdentity, resource: str) -> dict[str, str]:
    seconds = int(entra.identity_seconds)
    own = {"appid": identity.client_id, "xms_mirid": f"/subscriptions/{_id('99')}/{identity.client_id}"}
    if resource == entra.graph:
        token = entra.graph_token("app", identity.roles, identity.principal_id, seconds, **own)
    else:
        subject = {"oid": identity.principal_id, "sub": identity.principal_id}
        token = entra.jwt(resource, seconds, idtyp="app", **subject, **own)
    expires = str(int(entra.now()) + seconds)
    answer = {"access_token": token, "expires_on": expires, "resource": resource, "token_type": "Bearer"}
    return answer | {"client_id": identity.client_id}


# Errors


def _entra_error(refusal: Refusal, request: Request) -> JSONResponse:
    timestamp = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    trace, correlation = str(uuid.uuid4()), request.headers.get("client-request-id", str(uuid.uuid4()))
    content = {
        "error": refusal.error,
        "error_description": f"AADSTS{refusal.code}: {refusal.text} Trace ID: {trace} Correlation ID: {correlation} "
        f"Timestamp: {timestamp}",
        "error_codes": [refusal.code],
        "timestamp": timestamp,
        "trace_id": trace,
        "correlation_id": correlation,
        "error_uri": f"https://{request.url.hostname}/error?code={refusal.code}",
    }
    content |= {name: value for name in ("suberror", "claims") if (value := getattr(refusal, name))}
    return JSONResponse(content, refusal.status)


def _identity_error(refusal: Refusal, _: Request) -> JSONResponse:
    code = f"AADSTS{refusal.code}: " if refusal.code else ""
    content = {"statusCode": refusal.status, "message": f"{code}{refusal.text}", "correlationId": str(uuid.uuid4())}
    return JSONResponse(content, refusal.status)


_ERRORS = {"identity": _identity_error}


def _id(ending: str) -> str:
    return f"00000000-0000-4000-8000-{ending:0>12}"
