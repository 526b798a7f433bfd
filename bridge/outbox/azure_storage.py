"""The storage account of the Functions host: its clients, from the settings by which the host finds it too.

https://learn.microsoft.com/azure/azure-functions/functions-reference#configure-an-identity-based-connection
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from azure.core.exceptions import HttpResponseError, ResourceExistsError
from azure.data.tables import TableClient
from azure.storage.queue import QueueClient

from bridge.outbox import CONNECTION

TABLE, QUEUE = "bridge", "entries"
# A message is tried again by the host; a drain's lease must not run out while the library is patient.
_OPTIONS: dict[str, Any] = {"retry_total": 2, "connection_timeout": 5, "read_timeout": 15}
# Older than what the library would ask for: emulators refuse versions that are newer than themselves.
_QUEUE_OPTIONS = {**_OPTIONS, "api_version": "2021-12-02"}


@dataclass(frozen=True)
class Account:
    """A storage account, by its connection string or by its addresses and a credential for them."""

    connection: str = ""
    tables: str = ""
    queues: str = ""
    credential: Any = None
    blobs: str = ""

    @staticmethod
    def from_env(env: Mapping[str, str]) -> "Account":
        """Reads AzureWebJobsStorage, or AzureWebJobsStorage__accountName, __tableServiceUri and their companions."""
        if env.get(CONNECTION, "").strip():
            return Account(connection=env[CONNECTION].strip())
        name = env.get(_part("accountName"), "").strip()
        tables = env.get(_part("tableServiceUri"), "").strip() or f"https://{name}.table.core.windows.net"
        queues = env.get(_part("queueServiceUri"), "").strip() or (
            f"https://{name}.queue.core.windows.net" if name else tables.replace(".table.", ".queue.")
        )
        blobs = env.get(_part("blobServiceUri"), "").strip() or (
            f"https://{name}.blob.core.windows.net" if name else tables.replace(".table.", ".blob.")
        )
        return Account("", tables, queues, _credential(env), blobs)

    def table(self, *, make: bool = True) -> TableClient:
        """The table of the outbox. make: it is made where there is none."""
        if self.connection:
            client = TableClient.from_connection_string(self.connection, TABLE, **_OPTIONS)
        else:
            client = TableClient(self.tables, TABLE, credential=self.credential, **_OPTIONS)
        if make:
            _make(client.create_table)
        return client

    def queue(self, name: str = QUEUE) -> QueueClient:
        """The queue of that name; it is made where there is none."""
        if self.connection:
            client = QueueClient.from_connection_string(self.connection, name, **_QUEUE_OPTIONS)
        else:
            client = QueueClient(self.queues, name, credential=self.credential, **_QUEUE_OPTIONS)
        _make(client.create_queue)
        return client

    def container(self, name: str) -> Any:
        """The blob container of that name, which may not be there. Imported here: few commands need the library."""
        from azure.storage.blob import ContainerClient  # noqa: PLC0415

        if self.connection:
            return ContainerClient.from_connection_string(self.connection, name, **_QUEUE_OPTIONS)
        return ContainerClient(self.blobs, name, credential=self.credential, **_QUEUE_OPTIONS)


def _part(name: str) -> str:
    return f"{CONNECTION}__{name}"


def _credential(env: Mapping[str, str]) -> Any:
    from azure.identity import DefaultAzureCredential, ManagedIdentityCredential  # noqa: PLC0415

    if env.get(_part("credential"), "").strip().lower() == "managedidentity":
        return ManagedIdentityCredential(client_id=env.get(_part("clientId"), "").strip() or None)
    return DefaultAzureCredential()


def _make(create: Any) -> None:
    try:
        create()
    except ResourceExistsError:
        return
    except HttpResponseError as error:
        # Who has only a role for reading need not make what is there; what is missing shows when it is read.
        if error.status_code != 403:
            raise
