"""What a tenant knows: identities, applications, users, and what they were given."""

import base64
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

TENANT = "00000000-0000-4000-8000-0000000000a0"
PUBLIC_URL = "https://webhook-bridge.azurewebsites.net"
REDIRECT_URI = f"{PUBLIC_URL}/api/sign-in/callback"
DELEGATED = "Group-Conversation.ReadWrite.All"


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


def fmi_subject(tenant: str, blueprint: str, agent: str) -> str:
    """The subject of the token with which a blueprint vouches for one of its agent identities."""
    parts = (base64.urlsafe_b64encode(uuid.UUID(each).bytes).decode().rstrip("=") for each in (tenant, blueprint))
    return "/eid1/c/pub/t/{}/a/{}/".format(*parts) + agent


def new_id(ending: str) -> str:
    return f"00000000-0000-4000-8000-{ending:0>12}"
