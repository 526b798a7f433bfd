"""Azure's resources, by their ids: https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules."""

import re

from bridge.values import dataclass

_ID = re.compile(
    r"/subscriptions/(?P<subscription>[^/]+)"
    r"(?:/resourcegroups/(?P<group>[^/]+))?"
    r"(?:/providers/(?P<provider>[^/]+)/(?P<path>.+))?",
    re.IGNORECASE,
)


# Types that alerts write in small letters, which hide where their words begin.
_GLUED = {
    "virtualmachines": "virtual machine",
    "virtualmachinescalesets": "virtual machine scale set",
    "storageaccounts": "storage account",
    "managedclusters": "managed cluster",
    "containerapps": "container app",
    "loadbalancers": "load balancer",
    "applicationgateways": "application gateway",
    "publicipaddresses": "public IP address",
    "databaseaccounts": "database account",
    "flexibleservers": "flexible server",
    "serverfarms": "App Service plan",
    "resourcegroups": "resource group",
}


@dataclass(frozen=True)
class Resource:
    """What an id says. kind: the provider's type (`Microsoft.Storage/storageAccounts`); name: the last one in it."""

    id: str = ""
    subscription: str = ""
    group: str = ""
    kind: str = ""
    name: str = ""

    @property
    def url(self) -> str:
        """Its page in the portal."""
        return f"https://portal.azure.com/#resource{self.id}" if self.id else ""

    @property
    def noun(self) -> str:
        """Its kind in words: `storage account` of Microsoft.Storage/storageAccounts."""
        word = self.kind.rpartition("/")[2]
        if word in _GLUED:
            return _GLUED[word]
        single = re.sub(r"(?<=ss)es$|(?<=[^s])s$", "", re.sub(r"ies$", "y", word))
        return spaced(single) or ("resource group" if self.group else "subscription" if self.subscription else "")


def resource(resource_id: str) -> Resource:
    """The resource, its group or its subscription of an id; an empty one for anything else."""
    match = _ID.fullmatch(resource_id.rstrip("/"))
    if not match:
        return Resource()
    parts = (match["path"] or "").split("/")
    kinds, names = parts[::2], parts[1::2]
    kind = "/".join([match["provider"], *kinds]) if match["provider"] else ""
    name = names[-1] if names else match["group"] or match["subscription"]
    return Resource(resource_id.rstrip("/"), match["subscription"], match["group"] or "", kind, name)


def spaced(name: str) -> str:
    """The words of a name in camel case: `near expiry` of NearExpiry."""
    return (
        re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
        .replace("_", " ")
        .replace("-", " ")
        .lower()
    )
