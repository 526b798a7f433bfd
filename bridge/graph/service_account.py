"""A service account that has signed in once; its refresh token, in MSAL's cache, lies in a key vault.

The application to which it signed in has the managed identity for its credential. Key Vault has no compare-and-set, so
the cache is written by the sign-in and by one refresh a day alone, and all instances only read it: a refresh token that
was replaced stays good (https://learn.microsoft.com/entra/identity-platform/refresh-tokens).
"""

import json
from collections.abc import Mapping
from typing import Any

import msal

from bridge.errors import AccessRefused
from bridge.graph.entra import Assertion, application, asserted, assertions, demanded, granted, token_of
from bridge.graph.identities import Identity, Remembered, Token
from bridge.graph.vault import Vault
from bridge.settings import Settings

APP_ADVICE = (
    "Check BRIDGE_TENANT_ID and BRIDGE_APP_ID, and that the app registration trusts the managed identity of "
    "BRIDGE_CLIENT_ID: scripts/make-service-account-app.sh sets that up."
)


class Account:
    """The account's tokens, and its place in the vault. Every method raises NotSent or AccessRefused."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._vault = Vault(settings)
        self._managed = assertions(settings)

    def fetch(self, claims: str) -> Token:
        """A new access token of the account."""
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
        """Writes a cache into the vault, without its access tokens: whoever reads it gets one of its own."""
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
                f"{self._settings.key_vault_entry} in the key vault is not a sign-in. {sign_in_advice(self._settings)}"
            ) from None
        return cache

    def _granted(self, cache: msal.SerializableTokenCache, claims: str, assertion: Assertion) -> Mapping[str, Any]:
        sign_in = sign_in_advice(self._settings)
        with application(self._settings, self._settings.app_id, assertion, cache) as app:
            accounts = app.get_accounts()
            if not accounts:
                raise AccessRefused(f"Nobody has signed in as the service account yet. {sign_in}")
            return granted(
                f"token for {accounts[0].get('username', 'the service account')}",
                lambda: app.acquire_token_silent_with_error(
                    [self._settings.cloud.graph_scope], accounts[0], claims_challenge=demanded(claims)
                ),
                APP_ADVICE,
                sign_in,
            )


_KEPT = (msal.TokenCache.CredentialType.REFRESH_TOKEN, msal.TokenCache.CredentialType.ACCOUNT)


def service_account(settings: Settings) -> Identity:
    """The account that signed in to the application of BRIDGE_APP_ID."""
    return Remembered(Account(settings).fetch)


def sign_in_advice(settings: Settings) -> str:
    """Who must do what when the account's refresh token is missing or good no more."""
    return (
        "The service account must sign in (again): an administrator of the app runs "
        f"`python -m bridge sign-in {settings.public_url or 'URL'}` and signs in as that account."
    )
