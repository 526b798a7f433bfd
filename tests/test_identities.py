import re
import stat
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from bridge.clouds import CLOUDS
from bridge.errors import AccessRefused, NotSent, redacted
from bridge.graph.tokens import FRESH, Token, TokenCache
from bridge.publishing.delivery import token_source
from bridge.settings import Settings
from tests.graph_servers import answer, closed_port, fake_graph_at, raw


@pytest.fixture
def endpoint(monkeypatch):
    """Points azure-identity at a managed-identity endpoint."""

    def point(address, header="local"):
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"{address}/msi/token")
        monkeypatch.setenv("IDENTITY_HEADER", header)

    return point


@pytest.fixture
def az(monkeypatch, tmp_path):
    """Puts a program named az on the PATH, and nothing else."""

    def install(script):
        program = tmp_path / "az"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", str(tmp_path))

    return install


@pytest.mark.parametrize("cloud", CLOUDS.values(), ids=CLOUDS)
def test_each_cloud_has_its_own_graph(cloud, endpoint):
    name = next(name for name, one in CLOUDS.items() if one == cloud)
    body = b'{"access_token": "t", "expires_on": "%d", "resource": "r", "token_type": "Bearer"}' % (time.time() + 3600)
    with raw(answer(200, body, Content_Type="application/json")) as server:
        endpoint(server.url)
        token_source(Settings(cloud_name=name)).token()
    assert re.search(rf"[?&]resource=https://{re.escape(cloud.graph)}[& ]", server.requests[0].decode())


def test_a_managed_identity_gets_a_token_and_keeps_it(tmp_path, endpoint):
    with fake_graph_at(tmp_path) as (_, address):
        endpoint(address)
        identity = token_source(Settings())
        first = identity.token()
        assert first.startswith("eyJ")
        assert identity.token() == first
        assert identity.token(FRESH) != first


def test_a_user_assigned_identity_is_asked_for_by_its_client_id(endpoint):
    body = b'{"access_token": "t", "expires_on": "%d", "resource": "r", "token_type": "Bearer"}' % (time.time() + 3600)
    with raw(answer(200, body, Content_Type="application/json")) as server:
        endpoint(server.url, header="the-header")
        assert token_source(Settings(client_id="1f4f-client")).token() == "t"
    request = server.requests[0]
    assert b"client_id=1f4f-client" in request
    assert b"resource=https://graph.microsoft.com&" in request
    assert b"the-header" in request


@pytest.mark.parametrize(
    ("status", "error"),
    [(400, AccessRefused), (401, AccessRefused), (404, AccessRefused), (500, NotSent), (503, NotSent)],
)
def test_an_issuer_that_gives_no_token_refuses_or_fails(endpoint, status, error):
    body = b'{"error": "e", "error_description": "no such identity Bearer abc.def"}'
    with raw(answer(status, body, Content_Type="application/json")) as server:
        endpoint(server.url)
        with pytest.raises(error) as caught:
            token_source(Settings()).token()
    assert "abc.def" not in str(caught.value)


def test_an_issuer_that_answers_with_a_page_is_tried_again_later(endpoint):
    with raw(answer(500, b"<html>Internal Server Error</html>", Content_Type="text/html")) as server:
        endpoint(server.url)
        with pytest.raises(NotSent):
            token_source(Settings()).token()


def test_the_wrong_header_is_refused_with_advice(tmp_path, endpoint):
    with fake_graph_at(tmp_path) as (_, address):
        endpoint(address, header="wrong")
        with pytest.raises(AccessRefused, match="BRIDGE_CLIENT_ID"):
            token_source(Settings()).token()
        with pytest.raises(AccessRefused, match="1f4f-client"):
            token_source(Settings(client_id="1f4f-client")).token()


def test_an_issuer_that_cannot_be_reached_is_tried_again_later(endpoint):
    endpoint(f"http://127.0.0.1:{closed_port()}")
    begun = time.monotonic()
    with pytest.raises(NotSent, match="No access token"):
        token_source(Settings()).token()
    assert time.monotonic() - begun < 5


@pytest.mark.skipif(sys.platform == "win32", reason="the program is a shell script")
def test_a_developer_posts_with_the_token_of_az_login(az):
    az("""echo '{"accessToken": "of-the-person", "expires_on": 4102444800}'""")
    identity = token_source(Settings(identity="developer"))
    assert identity.token() == identity.token(FRESH) == "of-the-person"
    with pytest.raises(AccessRefused, match="az login"):
        identity.token('{"access_token": {"acrs": {"essential": true, "value": "c1"}}}')


@pytest.mark.skipif(sys.platform == "win32", reason="the program is a shell script")
def test_az_is_asked_once_for_a_token_that_is_good_for_longer(az, tmp_path):
    az(f"""echo >> {tmp_path / "asked"}; echo '{{"accessToken": "of-the-person", "expires_on": 4102444800}}'""")
    identity = token_source(Settings(identity="developer"))
    assert {identity.token() for _ in range(3)} == {"of-the-person"}
    assert (tmp_path / "asked").read_text() == "\n"


@pytest.mark.skipif(sys.platform == "win32", reason="the program is a shell script")
def test_a_developer_who_is_not_signed_in_is_advised_to_sign_in(az):
    az("echo 'ERROR: Please run az login to setup account.' >&2; exit 1")
    with pytest.raises(AccessRefused, match="az login"):
        token_source(Settings(identity="developer")).token()


class Issuer:
    """Gives tokens that are good for `lifetime` seconds, by a clock that a test moves; `faults` are raised first."""

    def __init__(self, lifetime=3600.0):
        self.now, self.lifetime, self.given, self.faults, self.asked = 0.0, lifetime, 0, [], []
        self.identity = TokenCache(self.fetch, lambda: self.now)

    def fetch(self, claims):
        self.asked.append(claims)
        if self.faults:
            raise self.faults.pop(0)
        self.given += 1
        return Token(f"token-{self.given}", self.lifetime)


def test_a_token_is_kept_until_shortly_before_it_expires():
    issuer = Issuer()
    assert [issuer.identity.token() for _ in range(3)] == ["token-1"] * 3
    issuer.now = 3299
    assert issuer.identity.token() == "token-1"
    issuer.now = 3301
    assert issuer.identity.token() == "token-2"


def test_a_challenge_is_answered_with_a_new_token_which_is_then_kept():
    issuer = Issuer()
    issuer.identity.token()
    assert issuer.identity.token(FRESH) == issuer.identity.token() == "token-2"
    assert issuer.asked == ["", FRESH]


def test_while_the_issuer_is_down_a_good_token_stays_in_use():
    issuer = Issuer()
    issuer.identity.token()
    issuer.faults = [NotSent("down")] * 3
    issuer.now = 3400
    assert issuer.identity.token() == "token-1"
    with pytest.raises(NotSent):
        issuer.identity.token(FRESH)
    issuer.now = 3600
    with pytest.raises(NotSent):
        issuer.identity.token()
    assert issuer.identity.token() == "token-2"


def test_a_refused_identity_keeps_no_token():
    issuer = Issuer()
    issuer.identity.token()
    issuer.faults = [AccessRefused("revoked")]
    issuer.now = 3400
    with pytest.raises(AccessRefused):
        issuer.identity.token()


def test_a_short_lived_token_is_not_fetched_for_every_request():
    issuer = Issuer(lifetime=120.0)
    issuer.identity.token()
    issuer.now = 59
    assert issuer.identity.token() == "token-1"


def test_sixteen_threads_share_one_fetch():
    issuer = Issuer()
    together = threading.Barrier(16)

    def ask(_):
        together.wait()
        return issuer.identity.token()

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(ask, range(16))) == {"token-1"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nothing secret", "nothing secret"),
        ("got Bearer abc.def-ghi, refused", "got [token], refused"),
        ("a eyJhbGciOiJub25lIn0.eyJhdWQiOiJ4In0.c2ln b", "a [token] b"),
        ("unsigned eyJhbGciOiJub25lIn0.eyJhdWQiOiJ4In0.", "unsigned [token]"),
    ],
)
def test_tokens_are_redacted(text, expected):
    assert redacted(text) == expected
