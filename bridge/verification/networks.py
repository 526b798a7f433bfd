"""The networks from which a source's webhooks may come: an allow-list of the settings, beside authentication."""

import ipaddress
import re
from collections.abc import Container, Iterable
from dataclasses import field

from bridge.errors import NotAllowed
from bridge.events import Webhook
from bridge.values import dataclass

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# The front end of App Service overwrites this header with the address of the connection: nobody else can set it there.
# https://github.com/Azure/app-service-linux-docs/blob/main/Things_You_Should_Know/headers.md
CLIENT_HEADER = "Client-IP"
_WITH_PORT = re.compile(r"\[([^\]]+)\](?::\d+)?|([\d.]+)(?::\d+)?|([^\[\]]+)", re.ASCII)


def caller(webhook: Webhook) -> Address | None:
    """The address from which a request came to the front end of App Service; None where no front end says it."""
    match = _WITH_PORT.fullmatch(webhook.header(CLIENT_HEADER).strip())
    try:
        address = ipaddress.ip_address(next(filter(None, match.groups()))) if match else None
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


@dataclass(frozen=True)
class AllowList:
    """The networks from which the webhooks of a source may come.

    setting: the setting that lists them. published: further addresses, which their owner publishes.
    """

    setting: str
    networks: tuple[Network, ...]
    published: Container[Address] = field(default=(), compare=False)

    def check(self, webhook: Webhook) -> None:
        """Returns if the request comes from one of them; raises NotAllowed otherwise."""
        address = caller(webhook)
        if address is None:
            raise NotAllowed(f"{self.setting} is set, and no front end says from where the webhook comes.")
        if not is_in(address, self.networks) and address not in self.published:
            raise NotAllowed(f"The webhook comes from {address}, which is in no network of {self.setting}.")


def is_in(address: object, networks: Iterable[Network]) -> bool:
    """Whether the address is in one of the networks."""
    return any(address in network for network in networks)
