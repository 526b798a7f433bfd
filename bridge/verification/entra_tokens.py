"""Bearer tokens that Entra issued to an application for the bridge, by which Azure authenticates its webhooks.

https://learn.microsoft.com/entra/identity-platform/access-tokens#validate-tokens
Imported only where it is configured: the libraries take a seventh of a second.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from typing import Any, Protocol

import jwt

from bridge.clouds import Cloud
from bridge.errors import AuthenticationError, CommandError
from bridge.events import Webhook
from bridge.settings.conversions import is_uuid
from bridge.values import dataclass
from bridge.verification.public_keys import PublishedKeys

SKEW = 300  # seconds that Entra's clock may differ
_REASONS: Mapping[type[jwt.PyJWTError], str] = {
    jwt.ExpiredSignatureError: "it has expired.",
    jwt.ImmatureSignatureError: "it is not valid yet: is this machine's clock wrong?",
    jwt.InvalidAudienceError: "its audience is not the one of the settings.",
    jwt.InvalidIssuerError: "its issuer is not the tenant of BRIDGE_TENANT_ID.",
    jwt.InvalidSignatureError: "its signature was not made with the key that it names.",
    jwt.InvalidAlgorithmError: "it is not signed with RS256.",
}


class Keys(Protocol):
    """A function that fetches published keys."""

    def __call__(self, url: str, *, fresh: bool = False) -> Mapping[str, jwt.PyJWK]:
        """Returns the keys at the URL by id. fresh: one is missing in the cached ones. Unavailable when it fails."""
        ...


@dataclass(frozen=True)
class EntraToken:
    """A bearer token (RFC 6750) that Entra issued in one tenant, to one application with a role in ours.

    cloud, tenant: the issuer; the tenant by its id. caller: the client id of the application. role: the value of the
    role. The credentials are audiences: client ids of our application, or its application id URIs.
    """

    cloud: Cloud
    tenant: str
    caller: str
    role: str
    keys: Keys = field(repr=False, compare=False)

    @classmethod
    def of_tenant(cls, cloud: Cloud, tenant: str, caller: str, role: str) -> "EntraToken":
        """The token with the keys that Entra publishes for the tenant."""
        address = re.compile(re.escape(_address(cloud, tenant)))
        return cls(cloud, tenant, caller, role, PublishedKeys(address, read))

    def signs_body(self, webhook: Webhook) -> bool:  # noqa: ARG002  none has a signature
        """False: the token is for the whole request."""
        return False

    def verify(self, webhook: Webhook, credentials: Sequence[str]) -> None:
        """Returns if the token is valid for one of the audiences; AuthenticationError with the reason otherwise.

        Unavailable when the tenant's keys cannot be fetched.
        """
        kind, _, token = webhook.header("Authorization").strip().partition(" ")
        if kind.lower() != "bearer" or not token:
            raise AuthenticationError("The header Authorization has no bearer token: use the action Secure Webhook.")
        claims = self._claims(token.strip(), credentials)
        if claims.get("tid") != self.tenant.lower():
            raise _refused("its tenant is not that of BRIDGE_TENANT_ID.")
        # Tokens of version 1.0 name the application in appid, those of 2.0 in azp:
        # https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
        if claims.get("azp" if claims.get("ver") == "2.0" else "appid") != self.caller:
            raise _refused(f"it was not issued to the application {self.caller}.")
        roles = claims.get("roles")
        if not isinstance(roles, list) or self.role not in roles:
            raise _refused(f"the application does not have the role {self.role}.")

    def sign(self, body: bytes, secret: str) -> Mapping[str, str]:  # noqa: ARG002  for other schemes
        """Raises CommandError: only Entra issues tokens."""
        raise CommandError(
            "Only Entra can authenticate this webhook: send it to a bridge without the audience in its settings."
        )

    def describe(self) -> str:
        """One phrase for tables."""
        return "a token of Entra in Authorization"

    def _claims(self, token: str, audiences: Iterable[str]) -> Mapping[str, Any]:
        try:
            claims: Mapping[str, Any] = jwt.decode(
                token,
                self._key(jwt.get_unverified_header(token).get("kid")),
                algorithms=["RS256"],
                audience=sorted({name for audience in audiences for name in _names(audience)}),
                issuer=self._issuers,
                leeway=SKEW,
                options={"require": ["exp", "nbf", "iss", "aud"]},
            )
        except jwt.PyJWTError as error:
            reason = next((text for kind, text in _REASONS.items() if isinstance(error, kind)), "it is malformed.")
            raise _refused(reason) from error
        return claims

    @property
    def _issuers(self) -> list[str]:
        """The issuers of tokens of version 1.0 and of 2.0."""
        (first, second), tenant = self.cloud.issuers, self.tenant.lower()
        return [f"https://{first}/{tenant}/", f"https://{second}/{tenant}/v2.0"]

    def _key(self, key_id: object) -> jwt.PyJWK:
        if isinstance(key_id, str):
            for fresh in (False, True):
                if key := self.keys(_address(self.cloud, self.tenant), fresh=fresh).get(key_id):
                    return key
        raise _refused("it names a key that the tenant has not published.")


def read(content: bytes) -> Mapping[str, jwt.PyJWK]:
    """The keys for signatures in an answer of Entra, by their ids; an error of any kind if it has none."""
    found = jwt.PyJWKSet.from_json(content.decode()).keys
    keys = {key.key_id: key for key in found if key.key_id and key.public_key_use in (None, "sig")}
    if not keys:
        raise ValueError("no keys for signatures")
    return keys


def _address(cloud: Cloud, tenant: str) -> str:
    return f"https://{cloud.login}/{tenant.lower()}/discovery/v2.0/keys"


def _refused(reason: str) -> AuthenticationError:
    return AuthenticationError(f"The token in Authorization is refused: {reason}")


def _names(audience: str) -> tuple[str, ...]:
    """Tokens of version 2.0 have the application's client id, those of 1.0 the URI that Entra derives from it."""
    client_id = audience.removeprefix("api://").rstrip("/")
    return (client_id, f"api://{client_id}") if is_uuid(client_id) else (audience,)
