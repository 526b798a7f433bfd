"""The page: it shows the groups' threads, to its own address only, and lets nothing of a post run."""

import contextlib
import os
import shutil
import subprocess

import pytest
import requests
from starlette.applications import Starlette

from bridge.local import viewer
from bridge.local.host import listen
from bridge.local.mailbox import Mailbox
from tests.graph_servers import GROUP, in_thread

OTHER = "00000000-0000-4000-8000-0000000000d1"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), "")


class Page:
    """The page of a mailbox, and what its members of groups have been told."""

    def __init__(self, mailbox, address):
        self.mailbox, self.address = mailbox, address

    def get(self, path="/", **options):
        return requests.get(self.address + path, timeout=9, **options)

    def mail(self, **chosen):
        return self.get("/viewer/mail", params=chosen).json()

    def start(self, topic, html, group=GROUP):
        token = self.get("/msi/token?api-version=2019-08-01&resource=https://graph.microsoft.com", headers=IDENTITY)
        post = {"body": {"contentType": "html", "content": html}}
        return requests.post(
            f"{self.address}/graph/v1.0/groups/{group}/threads",
            json={"topic": topic, "posts": [post]},
            headers={"Authorization": f"Bearer {token.json()['access_token']}"},
            timeout=9,
        ).json()["id"]


IDENTITY = {"X-IDENTITY-HEADER": "local"}


@pytest.fixture
def page(tmp_path):
    with contextlib.closing(Mailbox(tmp_path / "mailbox.sqlite")) as mailbox, listen(0) as listener:
        held = {}
        shown = viewer.routes(mailbox, listener.getsockname()[1], {"Platform": GROUP}, lambda: held)
        with in_thread(Starlette(routes=[*mailbox.routes(), *shown]), listener) as address:
            page = Page(mailbox, address)
            page.held = held
            yield page


def test_a_group_on_hold_is_told_also_when_no_group_has_a_thread(page):
    why = {"reason": "Graph <b>refuses</b> it.", "since": "2026-11-23T12:00:00+00:00", "until": ""}
    page.held |= {GROUP: why, OTHER: why}
    assert [held["group"] for held in page.mail()["held"]] == ["Platform", OTHER]


def test_an_empty_group_shows_how_to_fill_it(page):
    assert "-m bridge send github samples/github/pull_request.opened.json" in page.get().text
    empty = {"groups": [], "group": "", "threads": [], "thread": "", "posts": []}
    assert page.mail() == {**empty, "held": [], "permissions": "open"}


def test_threads_are_newest_first_with_the_posts_of_the_one_that_is_read(page):
    first, second = (page.start(topic, f"<p>Post of {topic}</p>") for topic in ("one", "two"))
    mail = page.mail()
    assert [(thread["id"], thread["topic"], thread["posts"]) for thread in mail["threads"]] == [
        (second, "two", 1),
        (first, "one", 1),
    ]
    assert (mail["thread"], mail["posts"][0]["html"]) == (second, "<p>Post of two</p>")
    assert page.mail(thread=first)["posts"][0]["html"] == "<p>Post of one</p>"
    assert page.mail(thread="gone")["thread"] == second


def test_groups_have_the_names_of_the_settings(page):
    page.start("one", "<p>1</p>")
    page.start("two", "<p>2</p>", OTHER)
    assert page.mail()["groups"] == [{"id": GROUP, "name": "Platform"}, {"id": OTHER, "name": OTHER}]
    assert [thread["topic"] for thread in page.mail(group=OTHER)["threads"]] == ["two"]


FOREIGN = {
    "a name of somebody else's that points here": ({"Host": "mail.example:7071"}, 421),
    "another port of this machine": ({"Host": "127.0.0.1:1"}, 421),
    "a page of another origin": ({"Origin": "https://mail.example"}, 403),
    "a page without an origin": ({"Origin": "null"}, 403),
    "a frame or a script elsewhere": ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, 403),
    "another site of this machine": ({"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"}, 403),
}


@pytest.mark.parametrize("path", ["/", "/viewer/mail"])
@pytest.mark.parametrize(("headers", "status"), FOREIGN.values(), ids=FOREIGN)
def test_it_answers_only_to_itself(page, path, headers, status):
    page.start("secret", "<p>secret</p>")
    answer = page.get(path, headers=headers)
    assert answer.status_code == status
    assert "secret" not in answer.text


def test_a_link_from_elsewhere_leads_to_the_page(page):
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert page.get("/", headers=headers).status_code == 200
    assert page.get("/viewer/mail", headers=headers).status_code == 403


def test_the_same_origin_and_localhost_are_itself(page):
    port = page.address.rpartition(":")[2]
    for host in (f"127.0.0.1:{port}", f"localhost:{port}"):
        headers = {"Host": host, "Origin": f"http://{host}", "Sec-Fetch-Site": "same-origin"}
        assert page.get("/viewer/mail", headers=headers).status_code == 200


@pytest.mark.parametrize("path", ["/", "/viewer.css", "/viewer.js", "/viewer/mail"])
def test_nothing_but_its_own_script_may_run(page, path):
    headers = page.get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    assert (policy["default-src"], policy["script-src"], policy["connect-src"]) == ("'none'", "'self'", "'self'")
    assert policy["frame-ancestors"] == "'none'"


@pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine: the page is not looked at in a browser")
def test_a_browser_shows_the_posts_and_runs_nothing_of_them(page, tmp_path):
    hostile = '<p>Seen</p><script>parent.document.title = 1</script><img src="x:" onerror="parent.document.title = 2">'
    page.start("<b>Topic</b>", hostile)
    document = browse(page.address, tmp_path)
    assert "<title>Webhook bridge</title>" in document
    assert "&lt;b&gt;Topic&lt;/b&gt;" in document
    assert 'sandbox="allow-same-origin allow-popups allow-popups-to-escape-sandbox"' in document
    assert "Seen" in document


@pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine: the page is not looked at in a browser")
def test_a_browser_shows_what_is_on_hold_and_what_is_permitted(page, tmp_path):
    page.held[GROUP] = {"reason": "Graph <b>refuses</b> it.", "since": "2026-11-23T12:00:00+00:00", "until": ""}
    page.mailbox.permissions = "microsoft"
    document = browse(page.address, tmp_path)
    assert "Platform is on hold" in document
    assert "Graph &lt;b&gt;refuses&lt;/b&gt; it." in document
    assert "Permissions as Microsoft documents them." in document


def browse(address, folder):
    """The document as a browser has it after its scripts have run."""
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
    flags += ["--disable-background-networking", "--disable-component-update", "--virtual-time-budget=4000"]
    done = subprocess.run(
        [CHROMIUM, *flags, f"--user-data-dir={folder / 'chromium'}", "--dump-dom", address],
        env={**os.environ, "HOME": str(folder)},
        capture_output=True,
        timeout=120,
        check=True,
    )
    return done.stdout.decode()
