"""The clouds of Microsoft, which do not accept each other's tokens.

https://learn.microsoft.com/graph/deployments
"""

from collections.abc import Mapping

from bridge.values import dataclass


@dataclass(frozen=True)
class Cloud:
    """The services of one cloud.

    login, graph: host names. exchange: the audience of a managed identity's token that is to be an application's
    credential (https://learn.microsoft.com/entra/workload-id/workload-identity-federation-config-app-trust-managed-identity).
    vault: the end of the host names of key vaults. issuers: the hosts in the issuers of tokens of versions 1.0 and 2.0
    (https://learn.microsoft.com/entra/identity-platform/access-tokens#token-formats). manager: the host name of the
    Resource Manager. storage: the end of the host names of storage accounts.
    """

    login: str
    graph: str
    exchange: str
    vault: str
    issuers: tuple[str, str]
    manager: str
    storage: str

    @property
    def graph_scope(self) -> str:
        """The scope of all permissions that an identity has on Graph."""
        return f"https://{self.graph}/.default"


_US_LOGIN, _US_EXCHANGE, _US_VAULT = (
    "login.microsoftonline.us",
    "api://AzureADTokenExchangeUSGov",
    "vault.usgovcloudapi.net",
)
_US_ISSUERS = ("sts.windows.net", _US_LOGIN)
_US_MANAGER, _US_STORAGE = "management.usgovcloudapi.net", "core.usgovcloudapi.net"

CLOUDS: Mapping[str, Cloud] = {
    "global": Cloud(
        "login.microsoftonline.com",
        "graph.microsoft.com",
        "api://AzureADTokenExchange",
        "vault.azure.net",
        ("sts.windows.net", "login.microsoftonline.com"),
        "management.azure.com",
        "core.windows.net",
    ),
    "us-gov": Cloud(_US_LOGIN, "graph.microsoft.us", _US_EXCHANGE, _US_VAULT, _US_ISSUERS, _US_MANAGER, _US_STORAGE),
    "us-dod": Cloud(
        _US_LOGIN, "dod-graph.microsoft.us", _US_EXCHANGE, _US_VAULT, _US_ISSUERS, _US_MANAGER, _US_STORAGE
    ),
    "china": Cloud(
        "login.chinacloudapi.cn",
        "microsoftgraph.chinacloudapi.cn",
        "api://AzureADTokenExchangeChina",
        "vault.azure.cn",
        ("sts.chinacloudapi.cn", "login.partner.microsoftonline.cn"),
        "management.chinacloudapi.cn",
        "core.chinacloudapi.cn",
    ),
}
