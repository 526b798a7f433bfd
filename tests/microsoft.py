"""Microsoft on loopback: the hosts of a cloud under their own names, behind a proxy that knows no others.

Clients come here by their environment alone, so what runs is their real code, at the real addresses, over real TLS. The
authority that vouches for the hosts is made for each run, and nobody else trusts it.
"""

import asyncio
import contextlib
import functools
import socket
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Host, Route, Router

from bridge.clouds import CLOUDS
from bridge.local.fake_graph.server import FakeGraph
from bridge.local.fake_graph.tokens import Tokens
from bridge.local.serving import listen
from tests.entra import IDENTITY_HEADER, Entra
from tests.entra_directory import PUBLIC_URL
from tests.graph_servers import QuickServer
from tests.key_vault import KeyVault


@dataclass
class Microsoft:
    """What runs.

    env: what a process needs in its environment to find it. settings: the bridge's settings that fit it.
    refused_hosts: those that somebody asked the proxy for and that are not of this cloud, oldest first.
    """

    env: dict[str, str]
    settings: dict[str, str]
    fake_graph: FakeGraph
    entra: Entra
    vault: KeyVault
    refused_hosts: list[str]


@contextlib.contextmanager
def microsoft(folder: Path, cloud: str = "global", **fake_graph_options) -> Iterator[Microsoft]:
    """Runs the hosts of a cloud. fake_graph_options: as FakeGraph takes them."""
    tokens = Tokens()
    entra = Entra(CLOUDS[cloud], tokens)
    vault = KeyVault(entra)
    refused_hosts: list[str] = []
    with (
        contextlib.closing(FakeGraph(folder / "graph.sqlite", tokens=tokens, **fake_graph_options)) as fake_graph,
        _listen() as tls,
        _listen() as identity,
        _listen() as proxy,
    ):
        hosts = {entra.cloud.login: entra.routes(), entra.cloud.graph: _graph(fake_graph), vault.host: vault.routes()}
        known = Starlette(routes=[Host(host, Router(routes, redirect_slashes=False)) for host, routes in hosts.items()])
        authority, certificate = _certificates(folder)
        servers = [
            (_config(known, ssl_certfile=certificate), tls),
            (_config(Starlette(routes=entra.identity_routes())), identity),
        ]
        tunnels = _Tunnels(hosts, tls.getsockname()[1], refused_hosts)
        with _running(servers, tunnels, proxy):
            yield Microsoft(
                _environment(authority, proxy.getsockname()[1], identity.getsockname()[1]),
                _settings(cloud, entra, vault),
                fake_graph,
                entra,
                vault,
                refused_hosts,
            )


def _listen() -> socket.socket:
    # What it accepts inherits this. asyncio sees to it only for sockets that say they are of TCP, which those of
    # create_server do not, and every answer would wait 40 ms for an acknowledgement.
    listener = listen(0)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _config(application: Starlette, **options) -> uvicorn.Config:
    return uvicorn.Config(application, log_config=None, lifespan="off", **options)


def _graph(fake_graph: FakeGraph) -> list[BaseRoute]:
    """The mailbox's routes of Graph, as Graph has them; how it is made to fail is not for its clients."""
    return [
        Route(route.path.removeprefix("/graph"), route.endpoint, methods=list(route.methods or ()))
        for route in fake_graph.routes()
        if isinstance(route, Route) and route.path.startswith("/graph/") and not route.path.startswith("/graph/_")
    ]


def _environment(authority: Path, proxy: int, identity: int) -> dict[str, str]:
    at, direct = f"http://127.0.0.1:{proxy}", "127.0.0.1,localhost"
    # requests and urllib read either spelling, and prefer the lower one.
    proxies = {"HTTP_PROXY": at, "HTTPS_PROXY": at, "ALL_PROXY": at, "NO_PROXY": direct}
    return {
        **proxies,
        **{name.lower(): value for name, value in proxies.items()},
        "REQUESTS_CA_BUNDLE": str(authority),
        "CURL_CA_BUNDLE": str(authority),
        "SSL_CERT_FILE": str(authority),
        "IDENTITY_ENDPOINT": f"http://127.0.0.1:{identity}/msi/token",
        "IDENTITY_HEADER": IDENTITY_HEADER,
    }


def _settings(cloud: str, entra: Entra, vault: KeyVault) -> dict[str, str]:
    return {
        "BRIDGE_TENANT_ID": entra.tenant,
        "BRIDGE_CLIENT_ID": entra.user_assigned.client_id,
        "BRIDGE_BLUEPRINT_ID": entra.blueprint.client_id,
        "BRIDGE_AGENT_ID": entra.agent.client_id,
        "BRIDGE_AGENT_USER_ID": entra.agent_user.object_id,
        "BRIDGE_APP_ID": entra.application.client_id,
        "BRIDGE_KEY_VAULT_URL": vault.url,
        "BRIDGE_CLOUD": cloud,
        "BRIDGE_PUBLIC_URL": PUBLIC_URL,
    }


class _Tunnels:
    """A proxy for HTTPS (https://www.rfc-editor.org/rfc/rfc9110#CONNECT) that leads to one port and nowhere else."""

    def __init__(self, hosts: Iterable[str], port: int, refused_hosts: list[str]) -> None:
        self._known = {f"{host}:443" for host in hosts}
        self._port = port
        self._refused = refused_hosts
        self._open: dict[asyncio.StreamWriter, asyncio.Task] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answers one connection until either side ends it."""
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            async with self._closing(writer):
                method, target, *_ = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split(" ")
                if method != "CONNECT" or target.lower() not in self._known:
                    self._refused.append(_host(target))
                    writer.write(b"HTTP/1.1 502 Unknown host\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                    await writer.drain()
                    return
                to_reader, to_writer = await asyncio.open_connection("127.0.0.1", self._port)
                async with self._closing(to_writer):
                    writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                    await asyncio.gather(_pump(reader, to_writer), _pump(to_reader, writer))

    async def cut(self) -> None:
        """Ends what is open."""
        for writer in self._open:
            writer.transport.abort()
        await asyncio.gather(*self._open.values(), return_exceptions=True)

    @contextlib.asynccontextmanager
    async def _closing(self, writer: asyncio.StreamWriter):
        self._open[writer] = asyncio.current_task()
        try:
            yield
        finally:
            del self._open[writer]
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while part := await reader.read(1 << 16):
            writer.write(part)
            await writer.drain()
    writer.close()


def _host(target: str) -> str:
    """The host of `host:port`, or of a URL."""
    return target.partition("://")[2].partition("/")[0].partition(":")[0] or target.partition(":")[0]


@contextlib.contextmanager
def _running(servers: list[tuple[uvicorn.Config, socket.socket]], tunnels: _Tunnels, proxy: socket.socket):
    """All of them in one thread, until the block ends."""
    started: Future[asyncio.AbstractEventLoop] = Future()
    ending = asyncio.Event()

    async def run() -> None:
        running = [(QuickServer(config), listener) for config, listener in servers]
        tasks = [asyncio.create_task(server.serve(sockets=[listener])) for server, listener in running]
        front = await asyncio.start_server(tunnels.serve, sock=proxy.dup())
        started.set_result(asyncio.get_running_loop())
        await ending.wait()
        for server, _ in running:
            server.should_exit = True
        front.close()
        # Before the servers end: they would wait for the clients' half of the end of TLS.
        await tunnels.cut()
        await asyncio.gather(*tasks)

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    try:
        yield
    finally:
        started.result(timeout=30).call_soon_threadsafe(ending.set)
        thread.join()


def _certificates(folder: Path) -> tuple[Path, Path]:
    """The files of the authority's certificate, and of the hosts' certificate and key."""
    authority, certificate = folder / "authority.pem", folder / "hosts.pem"
    for path, content in zip((authority, certificate), _signed(), strict=True):
        path.write_bytes(content)
    return authority, certificate


@functools.cache
def _signed() -> tuple[bytes, bytes]:
    hosts = [name for cloud in CLOUDS.values() for name in (cloud.login, cloud.graph, f"*.{cloud.vault}")]
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Microsoft on loopback")])
    authority = (
        _certificate(name, name, authority_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage("key_cert_sign", "crl_sign"), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hosts")])
    certificate = (
        _certificate(subject, name, key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage("digital_signature"), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in dict.fromkeys(hosts)]), False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem = serialization.Encoding.PEM
    return authority.public_bytes(pem), certificate.public_bytes(pem) + private


def _certificate(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    day = timedelta(days=1)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - day)
        .not_valid_after(datetime.now(UTC) + 7 * day)
    )


def _key_usage(*usages: str) -> x509.KeyUsage:
    names = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    )
    return x509.KeyUsage(**{name: name in usages for name in names})
