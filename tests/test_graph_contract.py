"""The stand-in for Graph and Graph's own description say the same."""

import re

import pytest

from bridge.local.mailbox_operations import OPERATIONS
from tests.graph_contract import needs_description, operation, paths, problems

pytestmark = needs_description


def sample(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "an-id", path)


@pytest.mark.parametrize("offered", OPERATIONS, ids=lambda one: f"{one.method} {one.path}")
def test_the_stand_in_permits_what_microsoft_permits(offered):
    described = operation(offered.method, sample(offered.path))
    assert described is not None
    assert set(described["x-permissions-delegated"]) == set(offered.delegated)
    assert set(described["x-permissions-application"]) == set(offered.application)


def test_starting_a_thread_is_for_users_alone():
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
        ("PUT", "/v1.0/groups/g/threads", {}, None, "no operation"),
        ("GET", "/v1.0/groups/g/threadz", {}, None, "no operation"),
    ],
)
def test_the_contract_finds_what_is_wrong(method, path, query, content, problem):
    found = problems(method, path, JSON if content else {}, query, content)
    assert (problem is None and found == []) or any(problem in text for text in found)
