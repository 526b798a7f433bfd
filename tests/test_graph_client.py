import base64
import contextlib
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from bridge.errors import AccessRefused, ContentRefused, NotSent, OutcomeUnknown
from bridge.graph.answers import Answer, NotFound, failure, retry_after
from bridge.graph.client import GraphClient
from bridge.graph.tokens import FRESH
from bridge.local.fake_graph.faults import Fault
from tests.graph_servers import GROUP, answer, closed_port, fake_graph_at, graph_client, raw
from tests.microsoft import microsoft

THREADS = f"/groups/{GROUP}/threads"
SECRET = "eyJhbGciOiJub25lIn0.eyJhdWQiOiJ4In0.c2lnbmF0dXJl"
POST = {"topic": "t", "posts": [{"body": {"contentType": "html", "content": "c"}}]}


class Somebody:
    """An identity with numbered tokens, which remembers the challenges that it was given."""

    def __init__(self):
        self.challenges = []

    def token(self, claims=""):
        self.challenges.append(claims)
        return f"{SECRET}-{len(self.challenges)}"


@contextlib.contextmanager
def client_of(url, **options):
    identity = Somebody()
    with contextlib.closing(GraphClient(url, identity, **options)) as client:
        yield client, identity


@contextlib.contextmanager
def serve(*answers, pause=0, **options):
    with raw(*answers, pause=pause) as server, client_of(server.url, **options) as (client, _):
        yield client


def odata(code="TheCode", message="The message."):
    return f'{{"error": {{"code": "{code}", "message": "{message}"}}}}'.encode()


MEANINGS = [
    (400, {}, ContentRefused, "template"),
    (401, {}, AccessRefused, "BRIDGE_IDENTITY"),
    (403, {}, AccessRefused, "Grant"),
    (404, {}, NotFound, "group's id"),
    (404, {}, AccessRefused, "mailbox"),
    (408, {}, OutcomeUnknown, "look for the post"),
    (409, {}, ContentRefused, "message"),
    (413, {}, ContentRefused, "4 MB"),
    (429, {}, NotSent, "throttled"),
    (429, {"Retry_After": "7"}, NotSent, "throttled"),
    (500, {}, OutcomeUnknown, "look for the post"),
    (502, {}, OutcomeUnknown, "look for the post"),
    (503, {}, OutcomeUnknown, "look for the post"),
    (503, {"Retry_After": "soon"}, OutcomeUnknown, "look for the post"),
    (503, {"Retry_After": "7"}, NotSent, "busy"),
    (504, {}, OutcomeUnknown, "look for the post"),
    (509, {}, NotSent, "throttled"),
    (302, {"Location": "https://example.com/"}, AccessRefused, "Redirects are not"),
]


@pytest.mark.parametrize(("status", "headers", "error", "advice"), MEANINGS)
def test_every_answer_has_one_meaning(status, headers, error, advice):
    with serve(answer(status, odata(), request_id="r-1", **headers)) as client, pytest.raises(error) as caught:
        client.request("POST", f"{THREADS}?$top=1", json={"a": 1})
    text = str(caught.value)
    for part in (f"POST {THREADS}: ", str(status), "TheCode (The message.)", "request-id r-1", advice):
        assert part in text
    assert "$top" not in text
    if error is NotSent:
        assert caught.value.retry_after == (7 if headers else None)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b'{"error": "text"}', b'{"error": {"code": 7}}', b"[" * 100_000]
)
def test_an_error_without_graphs_form_is_reported_by_its_status(body):
    text = str(failure(Answer(500, {}, body), "GET /x"))
    assert text.startswith("GET /x: Graph answered 500. ")


def test_app_only_tokens_refused_say_why_and_what_to_do():
    text = str(failure(Answer(403, {}, odata("ErrorAccessDenied")), "POST /x"))
    assert "managed identity" in text
    assert "BRIDGE_IDENTITY" in text
    assert "learn.microsoft.com/graph/api/group-post-threads" in text


def test_errors_never_hold_a_token():
    body = odata(message=f"token {SECRET} and Bearer opaque-secret are bad")
    text = str(failure(Answer(400, {"request-id": SECRET}, body), "POST /x"))
    assert SECRET not in text
    assert "opaque-secret" not in text
    assert "[token]" in text


def in_gmt(seconds):
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


def without_a_zone(seconds):
    return (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%a, %d %b %Y %H:%M:%S -0000")


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        (lambda: "0", 0, 0),
        (lambda: "12", 12, 12),
        (lambda: "1.5", 1.5, 1.5),
        (lambda: "-3", 0, 0),
        (lambda: "86400", 3600, 3600),
        (lambda: in_gmt(600), 500, 600),
        (lambda: in_gmt(-86400), 0, 0),
        (lambda: format_datetime(datetime.now(UTC) + timedelta(days=1)), 3600, 3600),
        (lambda: without_a_zone(86400), 3600, 3600),
    ],
    ids=["none", "seconds", "fraction", "past seconds", "a day", "date", "past date", "date with zone", "date without"],
)
def test_retry_after_is_seconds_or_a_date_of_an_hour_at_the_most(text, least, most):
    # A date is made now: minutes may lie between the collection of the tests and this one.
    assert least <= retry_after({"Retry-After": text()}) <= most


@pytest.mark.parametrize("headers", [{}, *({"Retry-After": text} for text in ("", "soon", "nan", "inf", "1 2"))])
def test_retry_after_that_says_nothing_is_none(headers):
    assert retry_after(headers) is None


@pytest.mark.parametrize("address", ["http://127.0.0.1:{port}", "http://no-such-host.invalid:{port}"])
def test_a_connection_never_made_is_not_sent(address, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")
    with client_of(address.format(port=closed_port())) as (client, _), pytest.raises(NotSent, match="no connection"):
        client.request("POST", THREADS, json={})


def test_a_proxy_that_is_not_there_is_not_sent(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", f"http://someone:proxy-password@127.0.0.1:{closed_port()}")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with client_of("https://graph.microsoft.com/v1.0") as (client, _), pytest.raises(NotSent) as caught:
        client.request("POST", THREADS, json={})
    assert "proxy-password" not in str(caught.value)


def test_a_certificate_that_nobody_vouches_for_is_not_sent(tmp_path, monkeypatch):
    with microsoft(tmp_path) as ms:
        for name in ("HTTPS_PROXY", "https_proxy"):
            monkeypatch.setenv(name, ms.env[name])
        with client_of(f"{ms.entra.graph}/v1.0") as (client, _), pytest.raises(NotSent, match=r"SSLError.*certificate"):
            client.request("POST", THREADS, json=POST)
        assert ms.refused_hosts == []  # it was the certificate that ended it


LIE = b"HTTP/1.1 201 Created\r\nContent-Length: 999\r\nConnection: close\r\n\r\n{"


@pytest.mark.parametrize(
    "answered",
    [
        b"",
        b"garbage\r\n\r\n",
        LIE,
        answer(201, b"not JSON"),
        answer(201, b"[1]"),
        answer(201, b"\xff\xfe"),
        answer(201, b"not gzip", Content_Encoding="gzip"),
        answer(200, b" " * (9 << 20)),
    ],
    ids=["dropped", "garbage", "cut", "no JSON", "no object", "no UTF-8", "no gzip", "endless"],
)
def test_an_answer_lost_or_unreadable_leaves_the_outcome_unknown(answered):
    with raw(answered) as server, client_of(server.url) as (client, _):
        with pytest.raises(OutcomeUnknown, match="may have been carried out"):
            client.request("POST", THREADS, json={})
        assert len(server.requests) == 1


def test_a_refusal_with_an_endless_body_is_still_a_refusal():
    with serve(answer(400, b"x" * (2 << 20))) as client, pytest.raises(ContentRefused):
        client.request("POST", THREADS, json={})


def test_silence_leaves_the_outcome_unknown():
    silent = serve(b"HTTP/1.1 201 Created\r\n", pause=5, timeout=(1, 0.2))
    with silent as client, pytest.raises(OutcomeUnknown, match="ReadTimeout"):
        client.request("POST", THREADS, json={})


def test_an_answer_that_arrives_too_slowly_is_given_up():
    dripping = serve(answer(201, b" " * 10_000), pause=0.002, timeout=(1, 1), total=0.5)
    begun = time.monotonic()
    with dripping as client, pytest.raises(OutcomeUnknown):
        client.request("POST", THREADS, json={})
    assert time.monotonic() - begun < 5


def test_a_redirection_is_not_followed_and_gets_no_token():
    with raw(answer(200)) as elsewhere:
        moved = answer(307, Location=f"{elsewhere.url}/stolen")
        with serve(moved) as client, pytest.raises(AccessRefused, match="Redirects are not followed"):
            client.request("POST", THREADS, json={})
        assert elsewhere.requests == []


CLAIMS = '{"access_token":{"nbf":{"essential":true,"value":"1604106651"}}}'


@pytest.mark.parametrize(
    ("challenge", "claims"),
    [
        (f'Bearer error="insufficient_claims", claims="{base64.b64encode(CLAIMS.encode()).decode()}"', CLAIMS),
        (f'Bearer claims="{base64.urlsafe_b64encode(CLAIMS.encode()).decode().rstrip("=")}"', CLAIMS),
        ('Bearer realm=""', FRESH),
        ('Bearer claims="%%%"', FRESH),
        ('Bearer claims="WzFd"', FRESH),
    ],
)
def test_a_refused_token_is_replaced_once(challenge, claims):
    refused = answer(401, odata(), WWW_Authenticate=challenge)
    with raw(refused, answer(201, b'{"id": "1"}')) as server, client_of(server.url) as (client, identity):
        assert client.request("POST", THREADS, json={"a": 1}) == {"id": "1"}
    assert identity.challenges == ["", claims]
    assert [request.split(b"Authorization: Bearer ")[1].split(b"\r\n")[0][-2:] for request in server.requests] == [
        b"-1",
        b"-2",
    ]
    assert [request[-7:] for request in server.requests] == [b'{"a":1}'] * 2


def test_a_token_refused_twice_is_the_identitys_problem():
    with raw(answer(401, odata())) as server, client_of(server.url) as (client, _):
        with pytest.raises(AccessRefused):
            client.request("POST", THREADS, json={})
        assert len(server.requests) == 2


def test_credentials_of_a_netrc_do_not_replace_the_token(monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with raw(answer(202)) as server, client_of(server.url) as (client, _):
        assert client.request("POST", THREADS, json={}) == {}
    assert b"Authorization: Bearer eyJ" in server.requests[0]


@pytest.mark.parametrize("link", ["https://example.com/v1.0/next", "http://127.0.0.1:1/v1.0/next", "/v1.0/next", 7])
def test_a_list_that_goes_on_elsewhere_is_not_followed(link):
    body = f'{{"value": [{{"id": "1"}}, 7], "@odata.nextLink": "{link}"}}'.encode()
    with raw(answer(200, body)) as server, client_of(server.url) as (client, _):
        pages = client.pages(THREADS, {"$top": 2}, 5)
        assert next(pages) == [{"id": "1"}]
        with pytest.raises(OutcomeUnknown, match="another address"):
            next(pages)
        assert len(server.requests) == 1


def test_a_list_is_read_to_its_end_or_to_a_bound(tmp_path, monkeypatch):
    with fake_graph_at(tmp_path) as (_, address), graph_client(monkeypatch, address) as client:
        ids = [client.request("POST", THREADS, json=POST)["id"] for _ in range(5)]
        pages = list(client.pages(THREADS, {"$top": 2, "$select": "id"}, 3))
        assert [[thread["id"] for thread in page] for page in pages] == [ids[:2:-1], ids[2:0:-1], ids[:1]]
        with pytest.raises(OutcomeUnknown, match="more than 2 pages"):
            list(client.pages(THREADS, {"$top": 2}, 2))


def test_a_page_that_is_no_list_is_empty():
    with raw(answer(200, b'{"value": "x"}')) as server, client_of(server.url) as (client, _):
        assert list(client.pages(THREADS, {}, 3)) == [[]]


def test_a_revoked_token_of_a_managed_identity_is_replaced(tmp_path, monkeypatch):
    with fake_graph_at(tmp_path) as (fake_graph, address), graph_client(monkeypatch, address) as client:
        client.request("GET", THREADS)
        fake_graph.tokens.revoke()
        client.request("GET", THREADS)
        assert [entry.status for entry in fake_graph.log] == [200, 401, 200]


@pytest.mark.parametrize(
    ("fault", "error", "posts"),
    [
        (Fault("429"), NotSent, 0),
        (Fault("429", 3), NotSent, 0),
        (Fault("503", 3), NotSent, 0),
        (Fault("503"), OutcomeUnknown, 0),
        (Fault("500"), OutcomeUnknown, 0),
        (Fault("drop-before"), OutcomeUnknown, 0),
        (Fault("drop-after"), OutcomeUnknown, 1),
        (Fault("created-but-504"), OutcomeUnknown, 1),
        (Fault("app-only-refused"), AccessRefused, 0),
    ],
)
def test_faults_of_the_stand_in_mean_what_they_mean_in_graph(tmp_path, monkeypatch, fault, error, posts):
    with fake_graph_at(tmp_path) as (fake_graph, address), graph_client(monkeypatch, address) as client:
        fake_graph.faults.add(fault)
        with pytest.raises(error) as caught:
            client.request("POST", THREADS, json=POST)
        assert len(fake_graph.threads(GROUP)) == posts
        if error is NotSent:
            assert caught.value.retry_after == fault.seconds
        client.request("POST", THREADS, json=POST)
        assert len(fake_graph.threads(GROUP)) == posts + 1


def test_threads_share_a_client(tmp_path, monkeypatch):
    with fake_graph_at(tmp_path) as (fake_graph, address), graph_client(monkeypatch, address) as client:
        client.request("GET", THREADS)
        workers = [threading.Thread(target=client.request, args=("POST", THREADS, POST)) for _ in range(8)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert len(fake_graph.threads(GROUP)) == 8


def test_a_connection_is_used_again():
    kept = b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n{}"
    with raw(kept) as server, client_of(server.url) as (client, _):
        for _ in range(3):
            client.request("GET", THREADS)
        assert (server.connections, len(server.requests)) == (1, 3)
