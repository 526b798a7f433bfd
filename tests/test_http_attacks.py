"""Clients that violate HTTP: the running bridge answers or hangs up, and continues to serve."""

import contextlib
import socket
from urllib.parse import urlsplit

import pytest

from bridge.limits import MAX_BODY
from bridge.sources import SOURCES
from tests.local_stack import NAMES, SECRET, issue, running

pytestmark = pytest.mark.hosts

LINE = b"POST /api/webhooks/github HTTP/1.1\r\nHost: HOST\r\n"
PATIENCE = 20.0
CONNECTIONS = 300


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    with running(tmp_path_factory.mktemp("bridge")) as stack:
        yield stack


@pytest.fixture
def still_serves(stack):
    """After the test a webhook must still become a thread."""
    yield
    answer = stack.send("issues", issue("opened"), NAMES[0])
    assert answer.status_code == 202
    stack.wait_for_posts(NAMES[0], answer)


class Connection(socket.socket):
    """A connection that puts the bridge's address into what is sent."""

    def sendall(self, sent):
        super().sendall(sent.replace(b"Host: HOST", b"Host: %s:%d" % self.address))


def connect(stack):
    address = urlsplit(stack.address)
    connection = Connection(socket.AF_INET, socket.SOCK_STREAM)
    connection.address = address.hostname.encode(), address.port
    connection.settimeout(PATIENCE)
    connection.connect((address.hostname, address.port))
    return connection


def answers(connection):
    """Everything received until the other side closes or resets the connection."""
    received = b""
    with contextlib.suppress(ConnectionError):
        while chunk := connection.recv(65536):
            received += chunk
    return received


def statuses(received):
    return [int(part[:3]) for part in received.split(b"HTTP/1.1 ")[1:]]


def signed(body, *more):
    """The request line and headers of a webhook that is signed for the body. more: further header lines."""
    headers = {**SOURCES["github"].headers("ping", "d"), **SOURCES["github"].verifier.sign(body, SECRET)}
    lines = [f"{name}: {value}".encode() for name, value in headers.items()]
    return LINE + b"\r\n".join([*lines, *more]) + b"\r\n\r\n"


PING = b'{"zen": "Keep it logically awesome.", "hook_id": 1}'
LENGTH = f"Content-Length: {len(PING)}".encode()

MALFORMED = {
    "not HTTP at all": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "a length that is not a number": LINE + b"Content-Length: many\r\n\r\n",
    "a negative length": LINE + b"Content-Length: -5\r\n\r\n",
    "two lengths": LINE + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "a chunk without a length": LINE + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    "an unknown transfer encoding": LINE + b"Transfer-Encoding: pigeon\r\n\r\n",
    "a header without a colon": LINE + b"no colon here\r\n\r\n",
    "a line break within a header": LINE + b"X-Event: a\r\n b\x00\r\n\r\n",
}
FLOODS = {
    "one endless header": LINE + b"X: " + b"x" * 200_000,
    "20,000 headers": LINE + b"X: y\r\n" * 20_000,
}


@pytest.mark.usefixtures("still_serves")
@pytest.mark.parametrize("sent", MALFORMED.values(), ids=MALFORMED)
def test_malformed_requests_are_refused(stack, sent):
    with connect(stack) as connection:
        connection.sendall(sent)
        assert statuses(answers(connection)) == [400]


@pytest.mark.usefixtures("still_serves")
@pytest.mark.parametrize("sent", FLOODS.values(), ids=FLOODS)
def test_a_flood_of_headers_is_refused(stack, sent):
    with connect(stack) as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(sent)
        # The answer may be lost, as the rest of the flood is not read; then the connection must end.
        assert statuses(answers(connection)) in ([400], [])


@pytest.mark.usefixtures("still_serves")
def test_a_chunked_body_is_accepted(stack):
    with connect(stack) as connection:
        connection.sendall(signed(PING, b"Transfer-Encoding: chunked", b"Connection: close"))
        for byte in PING:
            connection.sendall(b"1\r\n%c\r\n" % byte)
        connection.sendall(b"0\r\n\r\n")
        assert statuses(answers(connection)) == [200]


@pytest.mark.usefixtures("still_serves")
def test_pipelined_requests_are_answered_in_order(stack):
    refused = LINE + b"Content-Length: 2\r\n\r\n{}"
    missing = b"GET /api/nothing HTTP/1.1\r\nHost: HOST\r\n\r\n"
    with connect(stack) as connection:
        connection.sendall((signed(PING, LENGTH) + PING + refused + missing) * 20)
        connection.sendall(b"GET /api/health HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n")
        assert statuses(answers(connection)) == [200, 401, 404] * 20 + [200]


@pytest.mark.usefixtures("still_serves")
def test_an_incomplete_body_gets_no_answer(stack):
    with connect(stack) as connection:
        connection.sendall(signed(PING, b"Content-Length: 5000") + PING)
        connection.shutdown(socket.SHUT_WR)
        assert statuses(answers(connection)) == []


@pytest.mark.usefixtures("still_serves")
def test_a_client_that_closes_its_side_may_get_an_answer(stack):
    """It is a race; a service that gets no answer sends again."""
    with connect(stack) as connection:
        connection.sendall(signed(PING, LENGTH, b"Connection: close") + PING)
        connection.shutdown(socket.SHUT_WR)
        assert statuses(answers(connection)) in ([200], [])


@pytest.mark.usefixtures("still_serves")
def test_a_body_over_the_limit_is_read_to_its_end_and_413(stack):
    body = b" " * (MAX_BODY + 1)
    with connect(stack) as connection:
        connection.sendall(signed(body, b"Content-Length: %d" % len(body), b"Connection: close") + body)
        assert statuses(answers(connection)) == [413]


@pytest.mark.usefixtures("still_serves")
def test_slow_clients_do_not_block_others(stack):
    """Other requests are answered while a hundred clients send their headers and bodies slowly."""
    with contextlib.ExitStack() as opened:
        slow = [opened.enter_context(connect(stack)) for _ in range(100)]
        for number, connection in enumerate(slow):
            connection.sendall(LINE + (b"Content-Length: 99\r\n\r\n{" if number % 2 else b"X-Hub"))
        for _ in range(5):
            for connection in slow:
                connection.sendall(b"-")
            assert stack.get("/api/health").json() == {"ok": True}


@pytest.mark.usefixtures("still_serves")
def test_hundreds_of_connections_at_once_are_all_answered(stack):
    request = signed(PING, LENGTH, b"Connection: close") + PING
    with contextlib.ExitStack() as opened:
        connections = [opened.enter_context(connect(stack)) for _ in range(CONNECTIONS)]
        for connection in connections:
            connection.sendall(request)
        assert [statuses(answers(connection)) for connection in connections] == [[200]] * CONNECTIONS
