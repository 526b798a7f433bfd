"""Tokens of Microsoft Entra for an application whose credential is the managed identity: no client secret anywhere.

https://learn.microsoft.com/entra/workload-id/workload-identity-federation-config-app-trust-managed-identity
"""

import contextlib
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msal
import requests
from msal.exceptions import MsalError

from bridge.errors import AccessRefused, NotSent, redacted_line
from bridge.graph.credentials import managed_identity
from bridge.graph.tokens import FRESH, Identity, Token
from bridge.settings import Settings

Assertion = Callable[[], str]
_TIMEOUT = (3.0, 10.0)  # seconds for connecting, and for silence
# https://learn.microsoft.com/entra/identity-platform/reference-error-codes
_PASSING = ("temporarily_unavailable", "server_error")
_NO_ACCOUNT = "no_account"
_PERSON = ("invalid_grant", "interaction_required", "login_required", "consent_required", _NO_ACCOUNT)
_ASSERTION_EXPIRED = "AADSTS700024"

# At the level DEBUG, MSAL logs the code and the verifier of a sign-in. A filter, because the host sets the levels.
logging.getLogger("msal.token_cache").addFilter(lambda record: record.levelno > logging.DEBUG)


class AssertionExpired(AccessRefused):
    """The managed identity's assertion is not valid now: it has expired, or a clock is wrong."""


class _Login(requests.Session):
    """A session with a bounded waiting time, which follows no redirection."""

    def __init__(self) -> None:
        super().__init__()
        self.max_redirects = 0

    def request(self, *arguments: Any, **options: Any) -> requests.Response:
        return super().request(*arguments, **{"timeout": _TIMEOUT, **options})


@contextlib.contextmanager
def application(
    settings: Settings, client_id: str, assertion: Assertion, cache: msal.TokenCache | None = None
) -> Iterator[msal.ConfidentialClientApplication]:
    """An application of the tenant, whose credential is the assertion. Raises as `granted` does.

    A new one for each fetch: MSAL's application remembers a refusal for a while and repeats it.
    """
    with _Login() as session:
        yield _answered(
            lambda: msal.ConfidentialClientApplication(
                client_id,
                authority=f"https://{settings.cloud.login}/{settings.tenant_id}",
                client_credential={"client_assertion": assertion},
                token_cache=cache,
                http_client=session,
                # The host is one of `bridge.clouds`.
                instance_discovery=False,
            )
        )


def granted(
    what: str, call: Callable[[], Mapping[str, Any] | None], advice: str, sign_in: str = ""
) -> Mapping[str, Any]:
    """The answer of a call of MSAL, with its `access_token`.

    what: the token, for the error. advice: what to do when it is refused; sign_in: where only a person can help.
    Raises NotSent when Entra cannot be reached or fails, AccessRefused when it refuses.
    """
    answer = _answered(call) or {"error": _NO_ACCOUNT}
    if "access_token" in answer:
        return answer
    code, description = str(answer.get("error", "")), str(answer.get("error_description", ""))
    reason = f"Entra gives no {what}: {redacted_line(f'{code} {description}')}."
    if code in _PASSING:
        raise NotSent(reason)
    if _ASSERTION_EXPIRED in description:
        raise AssertionExpired(f"{reason} Check the clock of this machine.")
    raise AccessRefused(f"{reason} {sign_in if sign_in and code in _PERSON else advice}")


def _answered(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except (requests.RequestException, MsalError, RuntimeError, json.JSONDecodeError) as error:
        # The text may hold a proxy's address and password.
        raise NotSent(f"No access token: Entra does not answer as it should ({type(error).__name__}).") from None
    except ValueError as error:
        raise AccessRefused(
            f"Entra does not know the tenant: {redacted_line(str(error))} Check BRIDGE_TENANT_ID."
        ) from None


def token_of(answer: Mapping[str, Any]) -> Token:
    """The token of an answer."""
    return Token(str(answer["access_token"]), float(answer.get("expires_in", 0)))


def assertions(settings: Settings) -> Identity:
    """The managed identity, whose tokens are the assertions of an application in the tenant."""
    return managed_identity(settings, f"{settings.cloud.exchange}/.default")


def asserted(identity: Identity, claims: str, fetch: Callable[[Assertion], Token]) -> Token:
    """What `fetch` returns for the identity's assertion; for a fresh one, if the cached assertion has expired."""
    try:
        return fetch(lambda: identity.token(FRESH if claims else ""))
    except AssertionExpired:
        if claims:
            raise
        return fetch(lambda: identity.token(FRESH))


def demanded(claims: str) -> str | None:
    """The claims challenge to pass on to Entra, if it is one."""
    return claims if claims not in ("", FRESH) else None
