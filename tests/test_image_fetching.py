"""Images that payloads name: fetched over real TLS from a server that may do anything, where that is allowed."""

import contextlib
import socket
import ssl
import struct
import time

import pytest
from cryptography.hazmat.primitives import serialization

from bridge.publishing.pictures import fetching
from bridge.publishing.pictures.charts import drawn
from bridge.publishing.pictures.fetching import Fetcher, NoImage, is_public
from bridge.publishing.pictures.images import image
from tests.amazon import certificate, key
from tests.graph_servers import answer, closed_port, raw

HOST = "grafana.contoso.com"
PNG = drawn("gauge", {"value": 1, "limit": 2, "colour": "#c4314b"}).png
GIF = b"GIF89a" + struct.pack("<HH", 40, 30) + b"\0\0\0;"
JPEG = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xff\xc2\x00\x11\x08" + struct.pack(">HH", 30, 40) + b"\3" + 9 * b"\0"


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    """The server's side and the client's, with a certificate of the host."""
    path = tmp_path_factory.mktemp("tls") / "host.pem"
    own = certificate("elliptic", "elliptic", names=[HOST], repository="").public_bytes(serialization.Encoding.PEM)
    private = key("elliptic").private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + own)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(path)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.load_verify_locations(cadata=own.decode())
    return server, client


@pytest.fixture
def fetch(tls):
    """Fetches from a server with these answers. host: in the address; the settings list HOST."""

    def fetch(*answers, host=HOST, path="/render.png?panel=7", pause=0, seconds=5.0, is_allowed=lambda _: True):
        with raw(*answers, pause=pause, tls=tls[0]) as server:
            port = server.server_address[1]
            fetcher = Fetcher([f"{HOST}:{port}"], lambda *_: ["127.0.0.1"], is_allowed, tls[1])
            fetch.requests = server.requests
            return fetcher.fetch(f"https://{host}:{port}{path}", seconds)

    return fetch


@pytest.mark.parametrize(
    ("content", "media_type", "size"),
    [(PNG, "image/png", (600, 24)), (GIF, "image/gif", (40, 30)), (JPEG, "image/jpeg", (40, 30))],
)
def test_an_image_is_known_by_its_bytes_and_not_by_a_header(fetch, content, media_type, size):
    found = fetch(answer(200, content, Content_Type="text/html"))
    assert (found.content, found.media_type, (found.width, found.height)) == (content, media_type, size)


def test_the_request_has_nothing_of_the_bridge(fetch):
    fetch(answer(200, PNG))
    (request,) = fetch.requests
    names = {line.split(b":")[0].lower() for line in request.splitlines()[1:] if line}
    assert request.startswith(b"GET /render.png?panel=7 HTTP/1.1\r\n")
    assert names == {b"host", b"accept", b"accept-encoding"}


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        (answer(302, b"", Location="https://grafana.contoso.com/"), "answered 302"),
        (answer(404, PNG), "answered 404"),
        (answer(200, b"<svg xmlns='http://www.w3.org/2000/svg'/>", Content_Type="image/png"), "no PNG"),
        (answer(200, b""), "no PNG"),
        (answer(200, PNG + bytes(fetching.MOST)), "more than 1 MB"),
        (answer(200, PNG[:16] + struct.pack(">II", 100_000, 100_000) + PNG[24:]), "no PNG"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n" + PNG, "not whole"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + PNG + bytes(fetching.MOST), "more than 1 MB"),
        (b"garbage\r\n\r\n", "BadStatusLine"),
    ],
)
def test_anything_else_is_not_shown(fetch, sent, why):
    with pytest.raises(NoImage, match=why):
        fetch(sent)


def test_one_that_dawdles_over_each_byte_is_cut_off(fetch):
    begin = time.monotonic()
    with pytest.raises(NoImage) as failed:
        fetch(answer(200, PNG), pause=0.02, seconds=0.3)
    assert time.monotonic() - begin < 2
    assert failed.value.is_of_host


@pytest.mark.parametrize(
    "url",
    ["http://{}/a.png", "https://user@{}/a.png", "https://:x@{}/a.png", "//{}/a.png", "https://[/a.png", "",
     "https://{}.evil.example/a.png", "https://evil.example/{}", "https://{}:8443/a.png", "https://{}@evil.example/",
     "ftp://{}/a.png", "https://x.{}/a.png", "https://{}:99999/"],
)  # fmt: skip
def test_an_address_that_is_not_listed_is_not_asked_for(url):
    def resolve(*_):
        pytest.fail("it was looked up")

    with pytest.raises(NoImage):
        Fetcher([HOST], resolve).fetch(url.format(HOST), 1.0)


def test_a_star_stands_for_what_is_below_a_host():
    found = Fetcher(["*.Contoso.com", "pictures.example:8443"])
    assert found._is_listed("a.b.contoso.com", 443)
    assert found._is_listed("pictures.example", 8443)
    assert not found._is_listed("contoso.com", 443)
    assert not found._is_listed("evilcontoso.com", 443)
    assert not found._is_listed("pictures.example", 443)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.0.0.7", "172.16.0.1", "192.168.1.1", "169.254.169.254", "168.63.129.16", "100.64.0.1", "0.0.0.0",
     "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1%eth0", "fd00::1", "::ffff:10.0.0.7", "::ffff:8.8.8.8",
     "64:ff9b::10.0.0.7", "64:ff9b:1::1", "2002:a00:7::", "ff02::1", "metadata", ""],
)  # fmt: skip
def test_no_address_within_the_cloud_is_public(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111"])
def test_an_address_of_the_internet_is_public(address):
    assert is_public(address)


@pytest.mark.parametrize("addresses", [["10.0.0.7"], ["8.8.8.8", "127.0.0.1"], []])
def test_a_listed_host_with_a_private_address_is_not_asked(monkeypatch, addresses):
    monkeypatch.setattr(socket, "create_connection", lambda *_: pytest.fail("it was asked"))
    with pytest.raises(NoImage, match="not all of its addresses are public"):
        Fetcher([HOST], lambda *_: addresses).fetch(f"https://{HOST}/a.png", 1.0)


def test_the_host_needs_its_own_certificate(tls, fetch):
    with raw(answer(200, PNG), tls=tls[0]) as server:
        name = f"other.example:{server.server_address[1]}"
        wrong = Fetcher([name], lambda *_: ["127.0.0.1"], lambda _: True, tls[1])
        with pytest.raises(NoImage, match="SSLCertVerificationError"):
            wrong.fetch(f"https://{name}/", 5.0)


def test_a_host_that_cannot_be_reached_costs_only_the_image():
    def unknown(*_):
        raise socket.gaierror

    port = closed_port()
    for resolve in (unknown, lambda *_: ["127.0.0.1"]):
        with pytest.raises(NoImage) as failed:
            Fetcher([f"{HOST}:{port}"], resolve, lambda _: True).fetch(f"https://{HOST}:{port}/a.png", 1.0)
        assert failed.value.is_of_host


def test_slow_dns_costs_no_more_than_the_time_that_there_is():
    begin = time.monotonic()
    with pytest.raises(NoImage, match="DNS"):
        Fetcher([HOST], lambda *_: time.sleep(1)).fetch(f"https://{HOST}/a.png", 0.1)
    assert time.monotonic() - begin < 0.9


def test_no_bytes_break_the_reader():
    for content in (PNG, GIF, JPEG):
        for end in range(len(content)):
            with contextlib.suppress(AssertionError):
                found = image(content[:end])
                assert found is None or found.width > 0
