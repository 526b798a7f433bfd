"""What strangers and other pages can do to the running bridge, over HTTP."""

import itertools
import json
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from starlette.requests import Request

from bridge.limits import MAX_CALLBACK, MAX_REFUSALS
from bridge.local.config import codespace
from bridge.local.own_origin import refusal
from bridge.sources import SOURCES
from tests.local_stack import NAMES, SECRET, issue, running

pytestmark = pytest.mark.hosts

GROUP = "3c1d0d4e-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    with running(tmp_path_factory.mktemp("strangers")) as stack:
        yield stack


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"a=b&" * (MAX_CALLBACK // 4 + 1), 413),
        (b"a=b&" * (60 << 18), 413),
        (b"a&" * (MAX_CALLBACK // 2), 400),
        (b"a=b&" * 2000, 400),
        (b"state=" + b"9" * 10 + b".a." + b"0" * 64, 400),
        (b"\xff\xfe", 400),
    ],
    ids=["too long", "60 MiB", "blank", "fields", "forged", "no text"],
)
def test_a_stranger_cannot_make_the_sign_in_work_hard(stack, content, status):
    started = time.monotonic()
    answer = requests.post(f"{stack.address}/api/sign-in/callback", content, timeout=60)
    assert answer.status_code == status
    assert time.monotonic() - started < 8


def test_a_flood_over_http_is_429_and_a_signed_webhook_comes_through_it(stack):
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: stack.send("issues", issue("opened"), secret="nobody's secret"), range(100)))
    assert [each.status_code for each in answers].count(401) == MAX_REFUSALS
    flooded = [each for each in answers if each.status_code == 429]
    assert len(flooded) == 100 - MAX_REFUSALS
    assert all(0 < int(each.headers["Retry-After"]) <= 60 for each in flooded)
    answer = stack.send("issues", issue("opened"), NAMES[0])
    assert answer.status_code == 202
    stack.wait_for_posts(NAMES[0], answer)


PATHS = [
    "/",
    "/page/mail",
    "/nothing",
    "/api/health",
    "/api/health/details?code=local",
    "/api/doctor?code=local",
    "/api/webhooks/docker_hub?code=local",
    "/graph/_log",
    "/graph/_faults",
    f"/graph/v1.0/groups/{GROUP}/threads",
    "/msi/token?resource=https://graph.microsoft.com&api-version=2019-08-01",
]
FOREIGN = {
    "another name that points here": ({"Host": "evil.example:7071"}, 421),
    "another name at this port": ({"Host": "evil.example:{port}"}, 421),
    "another port": ({"Host": "127.0.0.1:1"}, 421),
    "a page of another origin": ({"Origin": "http://evil.example"}, 403),
    "a page without an origin": ({"Origin": "null"}, 403),
    "a script or form of another site": ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, 403),
}


@pytest.mark.parametrize(("headers", "status"), FOREIGN.values(), ids=FOREIGN)
def test_no_path_of_the_local_host_answers_another_page_or_name(stack, headers, status):
    port = stack.address.rpartition(":")[2]
    headers = {name: value.format(port=port) for name, value in headers.items()}
    headers |= {"Content-Type": "text/plain", "X-IDENTITY-HEADER": "local"}
    with requests.Session() as session:
        for method, path in itertools.product(("GET", "POST", "DELETE"), PATHS):
            answer = session.request(method, stack.address + path, data=b"{}", headers=headers, timeout=60)
            assert (answer.status_code, len(answer.text.splitlines())) == (status, 1), (method, path)
            assert "Access-Control-Allow-Origin" not in answer.headers, (method, path)


def test_programs_of_this_machine_need_no_origin(stack):
    port = stack.address.rpartition(":")[2]
    for headers in ({}, {"Host": f"localhost:{port}"}, {"Host": f"LOCALHOST:{port}"}, {"Origin": stack.address}):
        assert stack.get("/api/health/details?code=local", headers=headers).status_code in {200, 503}


def test_a_tunnel_makes_only_webhooks_available(tmp_path):
    with running(tmp_path, BRIDGE_LOCAL_TUNNEL="Pump.ngrok.app") as stack:
        tunnel = {"Host": "pump.ngrok.app"}
        answers = {path: stack.get(path, headers=tunnel).status_code for path in PATHS if "webhooks" not in path}
        assert set(answers.values()) == {421}
        sent = requests.post(f"{stack.address}/api/webhooks/github", b"{}", headers=tunnel, timeout=60)
        assert sent.status_code == 401
        foreign = {**tunnel, "Origin": "https://evil.example"}
        assert requests.post(f"{stack.address}/api/webhooks/github", headers=foreign, timeout=60).status_code == 403


def test_in_a_codespace_its_owner_sees_the_page_under_its_forwarded_name():
    env = {"CODESPACE_NAME": "Fluffy-Robot", "GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN": "app.github.dev"}
    name = codespace(env, 7071)
    assert (name, codespace({}, 7071)) == ("fluffy-robot-7071.app.github.dev", "")

    def status(**headers):
        raw = [(key.replace("_", "-").encode(), value.encode()) for key, value in headers.items()]
        request = Request({"type": "http", "method": "POST", "path": "/send", "headers": raw})
        refused = refusal(request, 7071, codespace=name)
        return refused.status_code if refused else 200

    assert status(host=name, origin=f"https://{name}", sec_fetch_site="same-origin") == 200
    assert status(host="localhost:7071", origin="http://localhost:7071", sec_fetch_site="same-origin") == 200
    assert status(host=name, origin="https://evil.example", sec_fetch_site="cross-site") == 403
    assert status(host=f"other-{name}") == 421


def test_a_weak_secret_is_reported_by_health_and_over_http_and_stops_nothing_else(tmp_path):
    with running(tmp_path, BRIDGE_GITLAB_SECRET="whsec_") as stack:
        report = stack.health()
        assert report["ok"] is False
        assert [problem.split()[0] for problem in report["problems"]] == ["BRIDGE_GITLAB_SECRET"]
        refused = requests.post(f"{stack.address}/api/webhooks/gitlab", b"{}", timeout=60)
        assert (refused.status_code, "BRIDGE_GITLAB_SECRET" in refused.text) == (503, True)
        answer = stack.send("issues", issue("opened"), NAMES[0])
        assert answer.status_code == 202
        stack.wait_for_posts(NAMES[0], answer)
    assert "One source accepts no webhook: BRIDGE_GITLAB_SECRET" in (tmp_path / "log").read_text()


def test_nobody_else_can_say_from_where_a_webhook_comes(tmp_path):
    for networks, status in (("127.0.0.0/8", 202), ("192.0.2.0/24", 403)):
        with running(tmp_path / str(status), BRIDGE_GITHUB_NETWORKS=networks) as stack:
            content = json.dumps(issue("opened")).encode()
            headers = {**SOURCES["github"].headers("issues", str(uuid.uuid4())), "Client-IP": "192.0.2.1:1"}
            headers |= SOURCES["github"].verifier.sign(content, SECRET)
            url = f"{stack.address}/api/webhooks/github"
            assert requests.post(url, content, headers=headers, timeout=60).status_code == status
