"""The stand-in for Graph and Graph's own description say the same."""

import re

import pytest

from bridge.local.fake_graph.operations import OPERATIONS
from tests.graph_contract import needs_description, operation, paths, problems, problems_of_answer
from tests.graph_servers import GROUP, fake_graph_at
from tests.test_fake_graph import FILE, THREADS, Client, post

pytestmark = needs_description


def sample(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "an-id", path)


@pytest.mark.parametrize("offered", OPERATIONS, ids=lambda one: f"{one.method} {one.path}")
def test_the_stand_in_permits_what_microsoft_permits(offered):
    described = operation(offered.method, sample(offered.path))
    assert described is not None
    assert set(described["x-permissions-delegated"]) == set(offered.delegated)
    assert set(described["x-permissions-application"]) == set(offered.application)


def test_only_users_may_start_a_thread():
    """The fact that shapes the identities: should Microsoft change it, this test says so."""
    for path in ("/groups/{group-id}/threads", "/groups/{group-id}/threads/{conversationThread-id}/reply"):
        assert paths()[path]["post"]["x-permissions-application"] == []


JSON = {"content-type": "application/json"}
BODY = {"contentType": "html", "content": "x"}


@pytest.mark.parametrize(
    ("method", "path", "query", "content", "problem"),
    [
        ("POST", "/v1.0/groups/g/threads", {}, {"topic": "t", "posts": [{"body": BODY}]}, None),
        ("POST", "/graph/beta/groups/g/threads/t/reply", {}, {"post": {"body": BODY}}, None),
        ("POST", "/v1.0/groups/g/threads", {}, {"topic": 7}, "7 is not of type"),
        ("POST", "/v1.0/groups/g/threads", {}, {"topick": "t"}, "'topick' was unexpected"),
        ("POST", "/v1.0/groups/g/threads", {}, {"posts": [{"body": {"contents": "x"}}]}, "'contents' was unexpected"),
        ("POST", "/v1.0/groups/g/threads", {}, None, "body is missing"),
        ("GET", "/v1.0/groups/g/threads", {}, {"a": 1}, "must be no body"),
        ("GET", "/v1.0/groups/g/threads", {"top": "1"}, None, "unknown query parameter top"),
        ("GET", "/v1.0/groups/g/threads", {"$top": "all"}, None, "$top is no number: all"),
        ("GET", "/v1.0/groups/g", {"$top": "1"}, None, "unknown query parameter $top"),
        ("PUT", "/v1.0/groups/g/threads", {}, None, "no operation"),
        ("GET", "/v1.0/groups/g/threadz", {}, None, "no operation"),
    ],
)
def test_the_contract_finds_what_is_wrong(method, path, query, content, problem):
    found = problems(method, path, JSON if content else {}, query, content)
    assert (problem is None and found == []) or any(problem in text for text in found)


SENDER = "bridge@contoso.com"
MESSAGES = f"/users/{SENDER}/messages"
MAIL = {
    "subject": "Subject",
    "body": {"contentType": "html", "content": "<p>Mail</p>"},
    "toRecipients": [{"emailAddress": {"address": "somebody@contoso.com"}}],
    "internetMessageHeaders": [{"name": "x-entry", "value": "e1"}],
}


def test_requests_and_answers_of_the_stand_in_are_as_described(tmp_path):
    """The strictness of the one is the strictness of the other, in every operation."""
    with fake_graph_at(tmp_path) as (fake_graph, address):
        client = Client(fake_graph, address, None)
        wrong = []

        def call(method, path, status=200, content=None):
            answer = client.call(method, path, **({} if content is None else {"json": content}))
            assert answer.status_code == status, answer.text
            wrong.extend(problems_of_answer(method, path, status, answer.json() if answer.content else None))
            return answer.json() if answer.content else None

        thread = call("POST", THREADS, 201, {"topic": "Topic", "posts": [post(attachments=[FILE])]})["id"]
        call("POST", f"{THREADS}/{thread}/reply", 202, {"post": post()})
        (first, *_) = call("GET", f"{THREADS}/{thread}/posts")["value"]
        call("POST", f"{THREADS}/{thread}/posts/{first['id']}/reply", 202, {"post": post()})
        call("GET", f"{THREADS}/{thread}/posts/{first['id']}")
        call("GET", f"{THREADS}/{thread}/posts/{first['id']}/attachments")
        call("GET", f"{THREADS}/{thread}")
        call("GET", THREADS)
        (conversation,) = call("GET", f"/groups/{GROUP}/conversations")["value"]
        assert conversation["id"] == first["conversationId"]
        of_it = f"/groups/{GROUP}/conversations/{conversation['id']}/threads"
        call("POST", of_it, 201, {"topic": "Other", "posts": [post()]})
        call("GET", of_it)
        call("DELETE", f"{THREADS}/{thread}", 204)
        call("GET", f"/groups/{GROUP}")
        draft = call("POST", MESSAGES, 201, MAIL)["id"]
        call("PATCH", f"{MESSAGES}/{draft}", 200, {"subject": "Other"})
        call("GET", f"{MESSAGES}/{draft}")
        call("POST", f"{MESSAGES}/{draft}/attachments", 201, FILE)
        call("GET", f"{MESSAGES}/{draft}/attachments")
        call("GET", f"/users/{SENDER}/mailFolders/drafts/messages")
        call("DELETE", f"{MESSAGES}/{draft}", 204)
        client.headers["Prefer"] = 'IdType="ImmutableId"'
        draft = call("POST", MESSAGES, 201, MAIL)["id"]
        call("POST", f"{MESSAGES}/{draft}/send", 202)
        call("POST", f"{MESSAGES}/{draft}/createReplyAll", 201, {})
        call("POST", f"/users/{SENDER}/sendMail", 202, {"message": MAIL, "saveToSentItems": False})
        assert wrong == []
        assert [problem for request in fake_graph.requests for problem in problems(*request)] == []
        seen = {(one.method, path) for one in fake_graph.requests for path in paths() if fits(path, one.path)}
    offered = {(one.method, path) for one in OPERATIONS for path in paths() if fits(path, sample(one.path))}
    assert offered - seen == set()


def fits(template: str, path: str) -> bool:
    return re.fullmatch(f"(/graph/v1.0)?{re.sub(r'{[^}]*}', '[^/]+', template)}", path) is not None
