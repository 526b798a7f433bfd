"""A strict stand-in for Entra, and for the managed-identity endpoint of App Service.

It takes the documented requests with the documented values, and nothing else: whatever is missing, unknown or wrong is
refused with an error that names it. What Azure's own libraries add to the documented requests is known too.
"""

import hashlib
import secrets
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bridge.clouds import Cloud
from bridge.local.fake_graph.tokens import Grant, Tokens
from tests.entra_directory import (
    DELEGATED,
    REDIRECT_URI,
    TENANT,
    Client,
    Code,
    FederatedCredential,
    ManagedIdentity,
    RefreshToken,
    User,
    fmi_subject,
    new_id,
)
from tests.entra_grants import authorization_request, client_info, grant_token
from tests.entra_parameters import Refusal, check
from tests.faults import Fault, happens, take_fault
from tests.rsa_keys import rsa_key

IDENTITY_HEADER = "identity-header-of-the-stand-in"
CODE_SECONDS = 600
REFRESH_SECONDS = 90 * 24 * 3600
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


@dataclass(frozen=True)
class Logged:
    """A request. status 0: dropped or hung up. outcome: `ok`, or the error as it was said."""

    endpoint: str
    form: Mapping[str, str]
    status: int
    outcome: str


def signing_key() -> rsa.RSAPrivateKey:
    """Of all tokens."""
    return rsa_key("entra")


class Entra:
    """One tenant of a cloud. Everything that is not private may be changed at any time.

    `requests` has what was asked for, oldest first; `faults` what goes wrong next. `clock_offset`: how many seconds
    Microsoft's clock is ahead of ours. `token_seconds`, `identity_seconds`: how long tokens live that are given to
    applications, and to managed identities. `identity_tokens`: those of the latter that Azure keeps.
    """

    def __init__(self, cloud: Cloud, tokens: Tokens) -> None:
        self.cloud = cloud
        self.tenant = TENANT
        self.faults: list[Fault] = []
        self.requests: list[Logged] = []
        self.clock_offset = 0.0
        self.token_seconds = 3600
        self.identity_seconds = 24 * 3600
        self.system_assigned: ManagedIdentity | None = ManagedIdentity(new_id("b1"), new_id("b2"))
        self.user_assigned = ManagedIdentity(new_id("c1"), new_id("c2"), {DELEGATED})
        by_identity = FederatedCredential(self.issuer, self.user_assigned.principal_id, cloud.exchange)
        self.blueprint = Client(new_id("e1"), [by_identity], {"client_credentials"})
        self.agent = Client(
            new_id("e2"),
            [FederatedCredential(self.issuer, fmi_subject(TENANT, new_id("e1"), new_id("e2")), cloud.exchange)],
            {"client_credentials", "user_fic", "refresh_token"},
            blueprint=self.blueprint.client_id,
            scopes={DELEGATED},
        )
        self.application = Client(
            new_id("f1"),
            [by_identity],
            {"authorization_code", "refresh_token"},
            scopes={DELEGATED},
            redirect_uris={REDIRECT_URI},
        )
        self.agent_user = User(new_id("e3"), "bridge-agent@contoso.com", agent=self.agent.client_id)
        self.person = User(new_id("f2"), "bridge-account@contoso.com")
        self.codes: dict[str, Code] = {}
        self.refresh_tokens: dict[str, RefreshToken] = {}
        self.identity_tokens: dict[tuple[str, str], dict[str, str]] = {}
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
            Route("/{tenant}/oauth2/v2.0/token", self._endpoint("token", grant_token), methods=["POST"]),
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
        asked = authorization_request(self, authorize_url)
        answer = {"state": asked["state"]}
        if error:
            answer |= {"error": error, "error_description": "AADSTS65004: User declined to consent to access the app."}
        else:
            code = secrets.token_urlsafe(48)
            user = user or self.person
            self.codes[code] = Code(asked, user, self.now() + CODE_SECONDS)
            answer |= {"code": code, "session_state": str(uuid.uuid4())}
            if "client_info" in asked:
                answer["client_info"] = client_info(self, user)
        return f"{asked['redirect_uri']}?{urlencode(answer)}"

    def revoke_refresh_tokens(self) -> None:
        """As an administrator does, or a new password."""
        for user in (self.person, self.agent_user):
            user.signed_in.clear()

    def refresh_token(self, client: Client, user: User) -> str:
        """A new refresh token, as after a sign-in."""
        token = f"1.{secrets.token_urlsafe(64)}"
        self.refresh_tokens[token] = RefreshToken(client.client_id, user, self.now() + REFRESH_SECONDS)
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
    kept = entra.identity_tokens.get(key)
    unwanted = asked.get("token_sha256_to_refresh")
    if (
        kept is None
        or float(kept["expires_on"]) - entra.now() < 300
        or hashlib.sha256(kept["access_token"].encode()).hexdigest() == unwanted
    ):
        kept = entra.identity_tokens[key] = _new_identity_token(entra, identity, resource)
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
    own = {"appid": identity.client_id, "xms_mirid": f"/subscriptions/{new_id('99')}/{identity.client_id}"}
    if resource == entra.graph:
        token = entra.graph_token("app", identity.roles, identity.principal_id, seconds, **own)
    else:
        subject = {"oid": identity.principal_id, "sub": identity.principal_id}
        token = entra.jwt(resource, seconds, idtyp="app", **subject, **own)
    expires = str(int(entra.now()) + seconds)
    answer = {"access_token": token, "expires_on": expires, "resource": resource, "token_type": "Bearer"}
    return answer | {"client_id": identity.client_id}


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
