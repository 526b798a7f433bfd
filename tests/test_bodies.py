"""Bodies as they come over HTTP, signed over the bytes that were sent."""

import gzip
import json
import zlib

import pytest

from bridge.errors import BadWebhook, TooLarge
from bridge.events import Webhook
from bridge.receiving.bodies import readable

PAYLOAD = {"text": "Der Behälter läuft über"}
TEXT = json.dumps(PAYLOAD, ensure_ascii=False)
LIMIT = 1024


def multipart(*parts: tuple[str, bytes], boundary: str = "xYz") -> tuple[dict[str, str], bytes]:
    body = (
        b"".join(b"--xYz\r\n" + head.encode() + b"\r\n\r\n" + content + b"\r\n" for head, content in parts)
        + b"--xYz--\r\n"
    )
    return {"Content-Type": f"multipart/form-data; boundary={boundary}"}, body


FILE = 'Content-Disposition: form-data; name="file"; filename="a.png"\r\nContent-Type: image/png'
JSON = 'Content-Disposition: form-data; name="payload"\r\nContent-Type: application/json; charset=latin-1'
FIELD = 'Content-Disposition: form-data; name="payload"'
DEFLATED = zlib.compressobj(wbits=-15)
RAW_DEFLATE = DEFLATED.compress(TEXT.encode()) + DEFLATED.flush()


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        pytest.param({}, TEXT.encode(), id="as it is"),
        pytest.param({"Content-Encoding": "gzip"}, gzip.compress(TEXT.encode()), id="gzip"),
        pytest.param({"Content-Encoding": "deflate"}, zlib.compress(TEXT.encode()), id="deflate"),
        pytest.param({"Content-Encoding": "deflate"}, RAW_DEFLATE, id="deflate without its head"),
        pytest.param({"Content-Encoding": "identity"}, TEXT.encode(), id="identity"),
        pytest.param({"Content-Type": "application/json; charset=latin-1"}, TEXT.encode("latin-1"), id="latin-1"),
        pytest.param({"Content-Type": "application/json; charset=utf-16"}, TEXT.encode("utf-16"), id="utf-16"),
        pytest.param({"Content-Type": "application/json"}, TEXT.encode("utf-16"), id="utf-16 by its mark"),
        pytest.param({"Content-Type": "application/json; charset=utf-16-le"}, TEXT.encode("utf-16-le"), id="utf-16-le"),
        pytest.param({"Content-Type": "application/json; charset=klingon"}, TEXT.encode(), id="an unknown charset"),
        pytest.param(*multipart((FILE, b"\x89PNG"), (JSON, TEXT.encode("latin-1"))), id="a part of a form"),
        pytest.param(*multipart((FIELD, TEXT.encode())), id="a field of a form"),
    ],
)
def test_the_same_json_is_read(headers, body):
    webhook = readable(Webhook(headers, body), LIMIT)
    assert json.loads(webhook.body) == PAYLOAD
    assert webhook.fingerprint == Webhook({}, body).fingerprint


@pytest.mark.parametrize(
    ("headers", "body", "reason"),
    [
        pytest.param({"Content-Encoding": "gzip"}, TEXT.encode(), "cannot be decompressed", id="no gzip"),
        pytest.param(
            {"Content-Encoding": "gzip"}, gzip.compress(TEXT.encode())[:-9], "cannot be decompressed", id="cut short"
        ),
        pytest.param({"Content-Encoding": "br"}, TEXT.encode(), "as gzip, as deflate or as it is", id="brotli"),
        pytest.param({"Content-Type": "application/json; charset=utf-16"}, b"\xff", "charset utf-16", id="no utf-16"),
        pytest.param(*multipart((JSON, b"{}"), (FIELD, b"{}")), "2 parts with JSON", id="two parts"),
        pytest.param(*multipart((FILE, b"\x89PNG")), "0 parts with JSON", id="no part"),
        pytest.param({"Content-Type": "multipart/form-data"}, TEXT.encode(), "parts with JSON", id="no boundary"),
    ],
)
def test_what_is_not_what_its_headers_say_is_refused(headers, body, reason):
    with pytest.raises(BadWebhook, match=reason):
        readable(Webhook(headers, body), LIMIT)


@pytest.mark.parametrize(
    ("parts", "fields"),
    [
        ([(FIELD, b"Station 7"), (JSON, TEXT.encode("latin-1"))], PAYLOAD),
        ([(FIELD, b"Station 7")], {"payload": "Station 7"}),
        ([(FIELD, b"{not JSON"), (JSON, b"[1]")], {"payload": [1]}),
        ([(JSON, b"{}"), (FIELD.replace("payload", "other"), b'{"a": 1}')], {"payload": {}, "other": {"a": 1}}),
        ([(FIELD, b"dry"), (FILE, b"\x89PNG")], {"payload": "dry", "file": "a.png"}),
        ([(FIELD + "\r\nContent-Type: text/plain; charset=latin-1", b"Beh\xe4lter")], {"payload": "Beh\u00e4lter"}),
    ],
)
def test_a_form_without_one_part_of_json_is_its_fields_where_these_are_taken(parts, fields):
    webhook = readable(Webhook(*multipart(*parts)), LIMIT, as_fields=True)
    assert (json.loads(webhook.body), webhook.header("Content-Type")) == (fields, "application/json")


def test_a_small_body_that_grows_too_large_is_refused_early():
    bomb = gzip.compress(b" " * 50_000_000)
    with pytest.raises(TooLarge, match="decompressed"):
        readable(Webhook({"Content-Encoding": "gzip"}, bomb), LIMIT)
