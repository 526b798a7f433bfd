"""Where entries wait and their history is kept: in Azure Storage, or in a file of this machine."""

from collections.abc import Mapping

CONNECTION = "AzureWebJobsStorage"


def is_configured(env: Mapping[str, str]) -> bool:
    """Whether the environment names a storage account, by a connection string or by an identity-based connection."""
    names = (CONNECTION, f"{CONNECTION}__accountName", f"{CONNECTION}__tableServiceUri")
    return any(env.get(name, "").strip() for name in names)
