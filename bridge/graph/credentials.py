"""The identities that azure-identity supports: the app's managed identity, and the person of `az login`."""

import time
from collections import deque
from collections.abc import Sequence
from typing import Any

from azure.core.credentials import TokenCredential
from azure.core.exceptions import AzureError, HttpResponseError, ServiceRequestError, ServiceResponseError
from azure.identity import AzureCliCredential, ManagedIdentityCredential

from bridge.errors import AccessRefused, GraphError, NotSent, redacted_line
from bridge.graph.tokens import FRESH, Identity, Token, TokenCache
from bridge.settings import Settings

# azure-identity reads every answer of the issuer as JSON: a proxy's page is a ValueError.
ERRORS = (AzureError, ValueError)


class _FromAzure:
    """Gets tokens from a credential of azure-identity."""

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

    def fetch(self, claims: str) -> Token:
        """Returns the credential's token, as `TokenCache` wants it."""
        challenge = claims if claims != FRESH or self._answers_challenges else ""
        try:
            token = self._credential.get_token(self._scope, claims=challenge or None)
        except ERRORS as error:
            raise self._no_token(error) from None
        return Token(token.token, token.expires_on - time.time())

    def _no_token(self, error: Exception) -> GraphError:
        reason = redacted_line(str(error))
        if is_passing(error) or any(map(_is_overloaded, self._statuses)):
            return NotSent(f"No access token: the issuer of tokens does not answer as it should ({reason}).")
        return AccessRefused(f"No access token for this identity: {reason} {self._advice}")


def managed_identity(settings: Settings, scope: str) -> Identity:
    """The app's managed identity: the one of BRIDGE_CLIENT_ID, or the system-assigned one.

    scope: for whom its tokens are.
    https://learn.microsoft.com/python/api/azure-identity/azure.identity.managedidentitycredential
    """
    client_id = settings.client_id
    advice = "Turn on the app's managed identity" + (
        f" {client_id} (BRIDGE_CLIENT_ID) and assign it to the app." if client_id else ", or set BRIDGE_CLIENT_ID."
    )
    # The credential's errors lack the status, which distinguishes an issuer that fails from one that refuses.
    statuses: deque[int] = deque(maxlen=1)
    credential = managed_credential(
        client_id, raw_response_hook=lambda response: statuses.append(response.http_response.status_code)
    )
    # The credential has a cache, too, but a search in it takes a tenth of a request's processor time.
    return TokenCache(_FromAzure(credential, scope, advice, answers_challenges=True, statuses=statuses).fetch)


def managed_credential(client_id: str, **options: Any) -> ManagedIdentityCredential:
    """The credential of the managed identity, without retries of its own: the outbox tries again for hours."""
    return ManagedIdentityCredential(
        client_id=client_id or None,
        retry_total=0,
        connection_timeout=2,
        read_timeout=10,
        **options,
    )


def developer(scope: str) -> Identity:
    """The person who is signed in to the Azure CLI."""
    # `az` has a cache of its own, which no challenge bypasses. It is a process for each token.
    advice = "Run `az login` and try again."
    return TokenCache(_FromAzure(AzureCliCredential(), scope, advice, answers_challenges=False).fetch)


def is_passing(error: BaseException | None) -> bool:
    """Whether an error of Azure's libraries is temporary, by itself or by one of its causes.

    Temporary: the service could not be reached, did not answer, is overloaded, or another one answered in its place.
    """
    while error is not None:
        if isinstance(error, ServiceRequestError | ServiceResponseError | ValueError):
            return True
        if isinstance(error, HttpResponseError) and error.status_code and _is_overloaded(error.status_code):
            return True
        error = error.__cause__ or error.__context__
    return False


def _is_overloaded(status: int) -> bool:
    return status == 429 or status >= 500
