"""The clouds of Microsoft: tokens of one are worth nothing in another.

https://learn.microsoft.com/graph/deployments
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Cloud:
    """Where one cloud's services are.

    login, graph: host names. exchange: for whom a managed identity's token is issued that is to be an application's
    credential (https://learn.microsoft.com/entra/workload-id/workload-identity-federation-config-app-trust-managed-identity).
    vault: how the host names of key vaults end. issuers: the hosts that name themselves as issuers of tokens of version
    1.0 and of 2.0 (https://learn.microsoft.com/entra/identity-platform/access-tokens#token-formats).
    """

    login: str
    graph: str
    exchange: str
    vault: str
    issuers: tuple[str, str]

    @property
    def graph_scope(self) -> str:
        """The scope that stands for all permissions that an identity has on Graph."""
        return f"https://{self.graph}/.default"


_US_LOGIN, _US_EXCHANGE, _US_VAULT = (
    "login.microsoftonline.us",
    "api://AzureADTokenExchangeUSGov",
    "vault.usgovcloudapi.net",
)
_US_ISSUERS = ("sts.windows.net", _US_LOGIN)

CLOUDS: Mapping[str, Cloud] = {
    "global": Cloud(
        "login.microsoftonline.com",
        "graph.microsoft.com",
        "api://AzureADTokenExchange",
        "vault.azure.net",
        ("sts.windows.net", "login.microsoftonline.com"),
    ),
    "us-gov": Cloud(_US_LOGIN, "graph.microsoft.us", _US_EXCHANGE, _US_VAULT, _US_ISSUERS),
    "us-dod": Cloud(_US_LOGIN, "dod-graph.microsoft.us", _US_EXCHANGE, _US_VAULT, _US_ISSUERS),
    "china": Cloud(
        "login.chinacloudapi.cn",
        "microsoftgraph.chinacloudapi.cn",
        "api://AzureADTokenExchangeChina",
        "vault.azure.cn",
        ("sts.chinacloudapi.cn", "login.partner.microsoftonline.cn"),
    ),
}
