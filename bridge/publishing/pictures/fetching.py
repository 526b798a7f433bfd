"""Fetching an image that a payload names: a stranger's address, asked for by a machine within the cloud.

Checked: the scheme is https; the host is listed, and its port; every address that DNS has for it is public, and the
connection goes to one of those very addresses, so no second answer of DNS counts; its certificate is the host's. No
redirection is followed, no proxy is used, and no cookie, token or address of the bridge is sent. What comes back has at
most 1 MB, comes in time, and is a PNG, JPEG or GIF by its bytes.
"""

import contextlib
import functools
import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from urllib.parse import SplitResult, urlsplit

import certifi

from bridge.publishing.pictures.images import Image, image

MOST = 1_000_000  # bytes
_CONNECT = 3.0  # seconds
_HTTPS = 443
# Public by its number, and Azure's own for its virtual machines:
# https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
_PLATFORM = ipaddress.ip_address("168.63.129.16")
# An address of IPv4 within one of IPv6, which a gateway may translate (RFC 6052, RFC 8215).
_TRANSLATED = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"))

Resolve = Callable[[str, int], Sequence[str]]


class NoImage(Exception):
    """An image is not shown; the text says why, and names nothing but its host.

    is_of_host: no other image of that host would be, for a while.
    """

    def __init__(self, reason: str, *, is_of_host: bool = False) -> None:
        super().__init__(reason)
        self.is_of_host = is_of_host


def resolved(host: str, port: int) -> Sequence[str]:
    """All addresses that DNS has for a host."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def is_public(address: str) -> bool:
    """Whether an address is one of the internet: not of this machine, of a private network, or of the platform."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address) and (
        found.ipv4_mapped or found.sixtofour or found.teredo or any(found in network for network in _TRANSLATED)
    ):
        return False
    return found.is_global and not found.is_multicast and found != _PLATFORM


class Fetcher:
    """Fetches images from the hosts that are listed.

    hosts: `grafana.contoso.com`, `*.contoso.com` for all below it, with a port where it is not 443. resolve: the
    addresses of a host. is_allowed: whether one of them may be asked. context: by which certificates are checked.
    """

    def __init__(
        self,
        hosts: Sequence[str],
        resolve: Resolve = resolved,
        is_allowed: Callable[[str], bool] = is_public,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._hosts = [host.lower() for host in hosts]
        self._resolve, self._is_allowed, self._context = resolve, is_allowed, context

    def fetch(self, url: str, seconds: float) -> Image:
        """The image at the address; NoImage where it is not to be asked for, or there is none within that time."""
        host, port, target = self._checked(url)
        ends = time.monotonic() + seconds
        try:
            content = self._content(host, port, target, ends)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise NoImage(f"{host}: {type(error).__name__}", is_of_host=True) from None
        found = image(content)
        if found is None:
            raise NoImage(f"{host}: what it sent is no PNG, JPEG or GIF of at most 16 million pixels")
        return found

    def _checked(self, url: str) -> tuple[str, int, str]:
        """Host, port and what to ask for; NoImage where the settings do not list it."""
        try:
            parts = urlsplit(url)
            host, port = (parts.hostname or "").rstrip("."), parts.port or _HTTPS
        except ValueError:
            raise NoImage("its address cannot be read") from None
        if parts.scheme != "https" or parts.username is not None or parts.password is not None:
            raise NoImage("its address is not a plain one of https")
        if not self._is_listed(host, port):
            raise NoImage("its host is not in BRIDGE_IMAGE_HOSTS")
        return host, port, _target(parts)

    def _is_listed(self, host: str, port: int) -> bool:
        name = host if port == _HTTPS else f"{host}:{port}"
        return any(name == one or (one[:2] == "*." and name.endswith(one[1:])) for one in self._hosts)

    def _content(self, host: str, port: int, target: str, ends: float) -> bytes:
        addresses = self._addresses(host, port, ends)
        # One private address among them is a reason not to trust the others.
        if not addresses or not all(map(self._is_allowed, addresses)):
            raise NoImage(f"{host}: not all of its addresses are public")
        address = min(addresses, key=lambda one: ":" in one)  # IPv4 first, which every network has
        with self._connected(host, address, port, ends) as connection:
            connection.request("GET", target, headers={"Accept": "image/png, image/jpeg, image/gif"})
            with connection.getresponse() as answer:
                if answer.status != http.HTTPStatus.OK:
                    raise NoImage(f"{host}: it answered {answer.status}")
                return _read(answer, host, ends)

    def _addresses(self, host: str, port: int, ends: float) -> Sequence[str]:
        """What DNS answers in time: it has time-outs of its own, which may be long."""
        found: list[Sequence[str]] = []

        def look() -> None:
            with contextlib.suppress(OSError, UnicodeError):
                found.append(self._resolve(host, port))

        looking = threading.Thread(target=look, daemon=True)
        looking.start()
        looking.join(max(ends - time.monotonic(), 0.0))
        if not found:
            raise NoImage(f"{host}: DNS has no address for it in time", is_of_host=True)
        return found[0]

    @contextlib.contextmanager
    def _connected(self, host: str, address: str, port: int, ends: float) -> Iterator[http.client.HTTPSConnection]:
        """A connection to that very address, which is cut off when the time is over."""
        left = ends - time.monotonic()
        if left <= 0:
            raise TimeoutError
        context = self._context or _trusted()
        raw = socket.create_connection((address, port), min(left, _CONNECT))
        with context.wrap_socket(raw, server_hostname=host, do_handshake_on_connect=False) as wrapped:
            # A time-out of a socket counts from one byte to the next, and a sender may dawdle over each.
            timer = threading.Timer(max(ends - time.monotonic(), 0.01), _cut, [wrapped])
            timer.daemon = True
            timer.start()
            try:
                wrapped.do_handshake()
                connection = http.client.HTTPSConnection(host, port, context=context)
                connection.sock = wrapped
                yield connection
            finally:
                timer.cancel()


@functools.cache
def _trusted() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=certifi.where())


def _read(answer: http.client.HTTPResponse, host: str, ends: float) -> bytes:
    content = answer.read(MOST + 1)
    if time.monotonic() > ends:
        raise NoImage(f"{host}: it took too long", is_of_host=True)
    if len(content) > MOST:
        raise NoImage(f"{host}: the image has more than 1 MB")
    if answer.length:
        raise NoImage(f"{host}: the image is not whole")
    return content


def _cut(connected: ssl.SSLSocket) -> None:
    with contextlib.suppress(OSError):
        # That of SSLSocket would also make what is read from then on plain text.
        socket.socket.shutdown(connected, socket.SHUT_RDWR)


def _target(parts: SplitResult) -> str:
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
