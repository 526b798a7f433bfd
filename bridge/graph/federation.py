"""Identities that act as a user and need no secret: the managed identity is the credential of their application.

The user of an agent identity, for whom the managed identity's assertion is exchanged three times:
https://learn.microsoft.com/entra/agent-id/identity-platform/autonomous-agent-request-agent-user-tokens

A service account that has signed in once; a key vault keeps its refresh token, in MSAL's cache. Key Vault has no
compare-and-set, so only the sign-in and one refresh a day write the cache, and all instances read it: a refresh token
that was replaced stays good (https://learn.microsoft.com/entra/identity-platform/refresh-tokens).
"""

import json
from collections.abc import Mapping
from typing import Any

import msal
from azure.core.exceptions import ResourceNotFoundError
from azure.keyvault.secrets import SecretClient

from bridge.errors import AccessRefused, GraphError, NotSent, redacted_line
from bridge.graph.credentials import ERRORS, is_passing, managed_credential
from bridge.graph.entra import Assertion, application, asserted, assertions, demanded, granted, token_of
from bridge.graph.tokens import Identity, Token, TokenCache
from bridge.settings import Settings

APP_ADVICE = (
    "Check BRIDGE_TENANT_ID and BRIDGE_APP_ID, and that the app registration trusts the managed identity of "
    "BRIDGE_CLIENT_ID: scripts/make-service-account-app.sh sets that up."
)
_AGENT_ADVICE = (
    "Check BRIDGE_TENANT_ID, BRIDGE_BLUEPRINT_ID, BRIDGE_AGENT_ID and BRIDGE_AGENT_USER_ID, that the blueprint trusts "
    "the managed identity, and the consent for the agent's user: scripts/make-agent-user.sh sets all of this up."
)
_KEPT = (msal.TokenCache.CredentialType.REFRESH_TOKEN, msal.TokenCache.CredentialType.ACCOUNT)


def agent_user(settings: Settings) -> Identity:
    """The user of BRIDGE_AGENT_USER_ID, as whom the agent identity of BRIDGE_AGENT_ID acts."""
    managed = assertions(settings)
    return TokenCache(
        lambda claims: asserted(managed, claims, lambda assertion: _exchange(settings, claims, assertion))
    )


def _exchange(settings: Settings, claims: str, assertion: Assertion) -> Token:
    exchange = [f"{settings.cloud.exchange}/.default"]
    with application(settings, settings.blueprint_id, assertion) as blueprint:
        trust = granted(
            "token to the blueprint",
            lambda: blueprint.acquire_token_for_client(exchange, fmi_path=settings.agent_id),
            _AGENT_ADVICE,
        )
    with application(settings, settings.agent_id, lambda: str(trust["access_token"])) as agent:
        instance = granted(
            "token to the agent identity", lambda: agent.acquire_token_for_client(exchange), _AGENT_ADVICE
        )
        user = "username" if "@" in settings.agent_user_id else "user_object_id"
        answer = granted(
            "token for the agent's user",
            lambda: agent.acquire_token_by_user_federated_identity_credential(
                [settings.cloud.graph_scope],
                instance["access_token"],
                claims_challenge=demanded(claims),
                **{user: settings.agent_user_id},
            ),
            _AGENT_ADVICE,
        )
    return token_of(answer)


class Vault:
    """The key vault that keeps the sign-in, read and written as the managed identity of BRIDGE_CLIENT_ID.

    Both methods raise NotSent when the vault cannot be reached or fails, AccessRefused when it refuses.
    https://learn.microsoft.com/python/api/azure-keyvault-secrets/azure.keyvault.secrets.secretclient
    """

    def __init__(self, settings: Settings) -> None:
        self._url = settings.key_vault_url
        self._client = SecretClient(
            self._url,
            managed_credential(settings.client_id),
            retry_total=1,
            connection_timeout=3,
            read_timeout=10,
            permit_redirects=False,
        )

    def read(self, name: str) -> str:
        """Returns the newest version of an entry; empty when there is none."""
        try:
            return self._client.get_secret(name).value or ""
        except ResourceNotFoundError:
            return ""
        except ERRORS as error:
            raise self._failure("read", error) from None

    def write(self, name: str, text: str) -> None:
        """Writes a new version of an entry; the last writer wins."""
        try:
            self._client.set_secret(name, text, content_type="application/json")
        except ERRORS as error:
            raise self._failure("written", error) from None

    def _failure(self, action: str, error: Exception) -> GraphError:
        reason = f"The key vault {self._url} cannot be {action}: {redacted_line(str(error))}"
        if is_passing(error):
            return NotSent(reason)
        return AccessRefused(
            f"{reason} Give the managed identity (BRIDGE_CLIENT_ID) the role Key Vault Secrets Officer on the vault."
        )


class Account:
    """The service account: its tokens, and its sign-in in the vault. Every method raises NotSent or AccessRefused."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._vault = Vault(settings)
        self._managed = assertions(settings)

    def fetch(self, claims: str) -> Token:
        """Returns a new access token of the account."""
        return asserted(
            self._managed, claims, lambda assertion: token_of(self._granted(self._cache(), claims, assertion))
        )

    def refresh(self) -> None:
        """Replaces the refresh token, which is good for 90 days from its issue, by a new one."""

        def replaced(assertion: Assertion) -> Token:
            cache = self._cache()
            answer = self._granted(cache, "", assertion)
            self.keep(cache)
            return token_of(answer)

        asserted(self._managed, "", replaced)

    def keep(self, cache: msal.SerializableTokenCache) -> None:
        """Writes a cache into the vault, without its access tokens: each reader gets one of its own."""
        content = json.loads(cache.serialize())
        kept = {part: entries for part, entries in content.items() if part in _KEPT}
        self._vault.write(self._settings.key_vault_entry, json.dumps(kept))

    def _cache(self) -> msal.SerializableTokenCache:
        cache = msal.SerializableTokenCache()
        text = self._vault.read(self._settings.key_vault_entry)
        try:
            cache.deserialize(text or None)
        except ValueError:
            raise AccessRefused(
                f"{self._settings.key_vault_entry} in the key vault is not a sign-in. {self._sign_in_advice}"
            ) from None
        return cache

    def _granted(self, cache: msal.SerializableTokenCache, claims: str, assertion: Assertion) -> Mapping[str, Any]:
        with application(self._settings, self._settings.app_id, assertion, cache) as app:
            accounts = app.get_accounts()
            if not accounts:
                raise AccessRefused(f"Nobody has signed in as the service account yet. {self._sign_in_advice}")
            return granted(
                f"token for {accounts[0].get('username', 'the service account')}",
                lambda: app.acquire_token_silent_with_error(
                    [self._settings.cloud.graph_scope], accounts[0], claims_challenge=demanded(claims)
                ),
                APP_ADVICE,
                self._sign_in_advice,
            )

    @property
    def _sign_in_advice(self) -> str:
        """What to do when the account's refresh token is missing or no longer good."""
        return (
            "The service account must sign in (again): an administrator of the app runs "
            f"`python -m bridge sign-in {self._settings.public_url or 'URL'}` and signs in as that account."
        )


def service_account(settings: Settings) -> Identity:
    """The account that signed in to the application of BRIDGE_APP_ID."""
    return TokenCache(Account(settings).fetch)
