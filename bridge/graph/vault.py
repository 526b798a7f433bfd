"""The key vault that keeps the service account's sign-in."""

from azure.core.exceptions import ResourceNotFoundError
from azure.keyvault.secrets import SecretClient

from bridge.errors import AccessRefused, GraphError, NotSent
from bridge.graph.credentials import ERRORS, is_passing, managed_credential
from bridge.graph.identities import in_short
from bridge.settings import Settings


class Vault:
    """Entries of the key vault, read and written as the managed identity of BRIDGE_CLIENT_ID.

    Both raise NotSent when the vault cannot be reached or fails, AccessRefused when it refuses.
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
        """The newest version of an entry; empty when there is none."""
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

    def _failure(self, done: str, error: Exception) -> GraphError:
        told = f"The key vault {self._url} cannot be {done}: {in_short(str(error))}"
        if is_passing(error):
            return NotSent(told)
        return AccessRefused(
            f"{told} Give the managed identity (BRIDGE_CLIENT_ID) the role Key Vault Secrets Officer on the vault."
        )
