"""Who the bridge is to Microsoft Graph: where its access tokens come from."""

from __future__ import annotations

import re
from collections import deque
from typing import TYPE_CHECKING, Protocol

from bridge.errors import AccessRefused, GraphError, NotSent
from bridge.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from azure.core.credentials import TokenCredential

# A claims challenge that demands nothing: credentials answer any challenge with a token that is not from their cache.
FRESH = "{}"
_TOKEN = re.compile(r"(?i:bearer)\s+[^\s\"',;]+|eyJ[\w-]{6,}(?:\.[\w-]*){0,4}")


class Identity(Protocol):
    """Somebody whom Microsoft Graph knows."""

    def token(self, claims: str = "") -> str:
        """An access token, from memory while it is good.

        claims: the JSON of a claims challenge, or FRESH; either gives a token that is not from memory.
        Raises NotSent when the issuer cannot be reached or fails, AccessRefused when it gives this identity no token.
        """


def token_source(settings: Settings) -> Identity:
    """The identity that the settings name, for the Graph of their cloud.

    Importing azure-identity takes a fifth of a second, so it happens here, where only publishing pays for it.
    https://learn.microsoft.com/python/api/azure-identity/azure.identity.managedidentitycredential
    """
    scope = settings.cloud.graph_scope
    makers: dict[str, Callable[[], Identity]] = {
        "managed-identity": lambda: _managed_identity(settings.client_id, scope),
        "developer": lambda: _developer(scope),
    }
    return makers[settings.identity]()


def without_tokens(text: str) -> str:
    """The text with everything that looks like a token blotted out."""
    return _TOKEN.sub("[token]", text)


class _FromAzure:
    """An identity that azure-identity knows how to ask for."""

    def __init__(
        self,
        credential: TokenCredential,
        scope: str,
        advice: str,
        *,
        answers_challenges: bool,
        statuses: Sequence[int] = (),
    ) -> None:
        self._credential = credential
        self._scope = scope
        self._advice = advice
        self._answers_challenges = answers_challenges
        self._statuses = statuses

    def token(self, claims: str = "") -> str:
        from azure.core.exceptions import AzureError  # noqa: PLC0415

        asked = claims if claims != FRESH or self._answers_challenges else ""
        try:
            # azure-identity caches: a good token costs microseconds.
            return self._credential.get_token(self._scope, claims=asked or None).token
        except AzureError as error:
            raise self._no_token(error) from None

    def _no_token(self, error: Exception) -> GraphError:
        reason = " ".join(without_tokens(str(error)).split())[:500]
        if _is_of_connections(error) or any(status == 429 or status >= 500 for status in self._statuses):
            return NotSent(f"No access token: the issuer of tokens does not answer as it should ({reason}).")
        return AccessRefused(f"No access token for this identity: {reason} {self._advice}")


def _managed_identity(client_id: str, scope: str) -> Identity:
    from azure.identity import ManagedIdentityCredential  # noqa: PLC0415

    advice = "Turn on the app's managed identity" + (
        f" {client_id} (BRIDGE_CLIENT_ID) and assign it to the app." if client_id else ", or set BRIDGE_CLIENT_ID."
    )
    # The only way to tell a failing issuer from a refusing one: the credential's errors do not have the status.
    statuses: deque[int] = deque(maxlen=1)
    credential = ManagedIdentityCredential(
        client_id=client_id or None,
        # The outbox tries again for hours; the credential's own patience would only use up a drain's lease.
        retry_total=0,
        connection_timeout=2,
        read_timeout=10,
        raw_response_hook=lambda response: statuses.append(response.http_response.status_code),
    )
    return _FromAzure(credential, scope, advice, answers_challenges=True, statuses=statuses)


def _developer(scope: str) -> Identity:
    from azure.identity import AzureCliCredential  # noqa: PLC0415

    # `az` keeps its own cache, which no challenge goes past.
    return _FromAzure(AzureCliCredential(), scope, "Run `az login` and try again.", answers_challenges=False)


def _is_of_connections(error: BaseException | None) -> bool:
    """Whether an error, or one of its causes, is that the issuer could not be reached or did not answer."""
    from azure.core.exceptions import ServiceRequestError, ServiceResponseError  # noqa: PLC0415

    while error is not None and not isinstance(error, ServiceRequestError | ServiceResponseError):
        error = error.__cause__ or error.__context__
    return error is not None
