"""The stand-in's mailboxes and permissions, as strict as those of Microsoft."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta

import pytest

from bridge.local.fake_graph.faults import Fault
from bridge.local.fake_graph.operations import OPERATIONS
from bridge.local.fake_graph.server import FakeGraph
from bridge.local.fake_graph.tokens import Grant
from tests.graph_servers import GROUP, fake_graph_at
from tests.test_fake_graph import FILE, START, THREADS, Client, Clock, post

SENDER, ADDRESS = "bridge@contoso.com", "pumps@contoso.com"
MESSAGES = f"/users/{SENDER}/messages"
IMMUTABLE = {"Prefer": 'IdType="ImmutableId"'}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    clock = Clock()
    with fake_graph_at(tmp_path_factory.mktemp("graph"), clock) as (fake_graph, address):
        yield fake_graph, address, clock


@pytest.fixture
def client(server):
    """A client of an empty stand-in that permits everything. The server is shared, as stopping it takes long."""
    fake_graph, _, clock = server
    fake_graph.permissions, fake_graph.members, fake_graph.people, fake_graph.mail_scope = "open", {}, {}, set()
    fake_graph.missing, fake_graph.without_mailbox = set(), set()
    fake_graph.faults.clear()
    fake_graph.addresses.clear()
    fake_graph.addresses[ADDRESS] = GROUP
    client = Client(*server)
    clock.now += timedelta(days=1)
    for thread in fake_graph.threads(GROUP):
        client.call("DELETE", f"{THREADS}/{thread.id}")
    for left in client.call("GET", f"/users/{SENDER}/mailFolders/drafts/messages?$top=999").json()["value"]:
        client.call("DELETE", f"{MESSAGES}/{left['id']}")
    return client


def to(*addresses):
    return [{"emailAddress": {"address": address}} for address in addresses]


def message(subject="Subject", **changes):
    return {
        "subject": subject,
        "body": {"contentType": "html", "content": "<p>Mail</p>"},
        "toRecipients": to(ADDRESS),
        **changes,
    }


def draft(client, headers=IMMUTABLE, **changes):
    return client.call("POST", MESSAGES, json=message(**changes), headers=headers).json()


def send(client, message):
    """Send a draft; return the status."""
    return client.call("POST", f"{MESSAGES}/{message}/send").status_code


def test_a_draft_is_sent_once_and_keeps_only_its_immutable_id(client):
    plain = draft(client, headers={})["id"]
    for message_id, later in ((plain, 404), (draft(client)["id"], 200)):
        assert client.call("GET", f"{MESSAGES}/{message_id}").json()["isDraft"] is True
        assert (send(client, message_id), send(client, message_id)) == (202, 404)
        assert client.call("GET", f"{MESSAGES}/{message_id}").status_code == later


def test_mail_to_a_group_starts_a_thread_and_replies_are_posts_in_it(client):
    first = draft(client)["id"]
    send(client, first)
    answer = client.call("POST", f"{MESSAGES}/{first}/createReplyAll", json={"comment": "More"}, headers=IMMUTABLE)
    assert (answer.status_code, answer.json()["subject"]) == (201, "RE: Subject")
    send(client, answer.json()["id"])
    send(client, draft(client, toRecipients=to("somebody@contoso.com"))["id"])
    (thread,) = client.fake_graph.threads(GROUP)
    assert (thread.topic, thread.posts) == ("Subject", 2)


def test_every_group_has_a_default_address(client):
    client.fake_graph.addresses.clear()
    address = client.call("GET", f"/groups/{GROUP}?$select=mail").json()["mail"]
    assert client.call("POST", f"/users/{SENDER}/sendMail", json={"message": message(toRecipients=to(address))})
    assert len(client.fake_graph.threads(GROUP)) == 1


def test_a_draft_can_be_changed_and_a_sent_message_cannot(client):
    message_id = draft(client)["id"]
    changed = client.call("PATCH", f"{MESSAGES}/{message_id}", json={"subject": "Other"}).json()
    assert (changed["subject"], changed["toRecipients"]) == ("Other", to(ADDRESS))
    send(client, message_id)
    assert client.call("PATCH", f"{MESSAGES}/{message_id}", json={"subject": "Late"}).status_code == 400


def test_drafts_are_listed_until_they_are_sent_or_deleted(client):
    first, second, third = (draft(client, subject=str(number))["id"] for number in range(3))
    send(client, first)
    assert client.call("DELETE", f"{MESSAGES}/{second}").status_code == 204
    drafts = client.call("GET", f"/users/{SENDER}/mailFolders/drafts/messages", headers=IMMUTABLE).json()["value"]
    assert [found["id"] for found in drafts] == [third]


def test_a_message_that_is_sent_late_is_a_draft_until_then(client):
    message_id = draft(client)["id"]
    client.add_faults(Fault("late", 30))
    assert send(client, message_id) == 504
    for seconds, is_draft in ((29, True), (1, False)):
        client.clock.now += timedelta(seconds=seconds)
        assert client.call("GET", f"{MESSAGES}/{message_id}").json()["isDraft"] is is_draft
        assert len(client.fake_graph.threads(GROUP)) == (0 if is_draft else 1)


def posts(client):
    """The number of posts in each thread of the group."""
    return [thread.posts for thread in client.fake_graph.threads(GROUP)]


def test_concurrent_requests_send_a_draft_once(client):
    message_id = draft(client)["id"]
    with ThreadPoolExecutor(6) as pool:
        answers = sorted(pool.map(lambda _: send(client, message_id), range(6)))
    assert answers == [202] + [404] * 5
    assert posts(client) == [1]


@pytest.mark.parametrize("meanwhile", ["send", "DELETE"])
def test_a_late_sending_is_cancelled_when_the_draft_is_sent_or_deleted_first(client, meanwhile):
    message_id = draft(client)["id"]
    client.add_faults(Fault("late", 30))
    assert send(client, message_id) == 504
    if meanwhile == "send":
        assert send(client, message_id) == 202
    else:
        assert client.call("DELETE", f"{MESSAGES}/{message_id}").status_code == 204
    client.clock.now += timedelta(minutes=1)
    assert posts(client) == ([1] if meanwhile == "send" else [])


def test_deleting_a_sent_message_removes_neither_the_post_nor_its_place_in_the_limit(client):
    for _ in range(30):
        message_id = draft(client)["id"]
        assert send(client, message_id) == 202
        client.call("DELETE", f"{MESSAGES}/{message_id}")
    assert len(posts(client)) == 30
    assert send(client, draft(client)["id"]) == 429


def test_a_message_in_transit_is_in_no_folder_and_takes_no_reply(client):
    message_id = draft(client)["id"]
    assert client.call("POST", f"{MESSAGES}/{message_id}/createReplyAll", json={}).status_code == 400
    client.add_faults(Fault("late-visible", 5))
    assert send(client, message_id) == 202
    assert (send(client, message_id), client.call("GET", f"{MESSAGES}/{message_id}").status_code) == (404, 404)
    refused = client.call("POST", f"{MESSAGES}/{message_id}/createReplyAll", json={})
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "ErrorInvalidReferenceItem")
    client.clock.now += timedelta(seconds=5)
    assert client.call("GET", f"{MESSAGES}/{message_id}").json()["isDraft"] is False
    assert client.call("POST", f"{MESSAGES}/{message_id}/createReplyAll", json={}).status_code == 201


def test_the_answer_names_the_kind_of_id_that_was_preferred(client):
    plain = client.call("POST", MESSAGES, json=message())
    immutable = client.call("GET", f"{MESSAGES}/{plain.json()['id']}", headers=IMMUTABLE)
    assert "Preference-Applied" not in plain.headers
    assert immutable.headers["Preference-Applied"] == 'IdType="ImmutableId"'
    assert immutable.json()["id"] != plain.json()["id"]


def test_mail_reaches_each_group_once_however_it_is_addressed(client):
    other = f"{GROUP[:-1]}1"
    client.fake_graph.addresses["valves@contoso.com"] = other
    client.fake_graph.addresses["gone@contoso.com"] = gone = f"{GROUP[:-1]}2"
    client.fake_graph.missing = {gone}
    message_id = draft(client, toRecipients=to(ADDRESS.upper(), "gone@contoso.com"), ccRecipients=to(ADDRESS))["id"]
    client.call("PATCH", f"{MESSAGES}/{message_id}", json={"bccRecipients": to("valves@contoso.com")})
    assert send(client, message_id) == 202
    assert [len(client.fake_graph.threads(group)) for group in (GROUP, other, gone)] == [1, 1, 0]


def test_a_reply_goes_to_all_recipients_except_bcc(client):
    message_id = draft(client, ccRecipients=to("alexd@contoso.com"), bccRecipients=to("hidden@contoso.com"))["id"]
    send(client, message_id)
    reply = client.call("POST", f"{MESSAGES}/{message_id}/createReplyAll", json={"comment": "1 < 2"}).json()
    assert (reply["toRecipients"], reply["ccRecipients"], reply["bccRecipients"]) == (
        to(ADDRESS),
        to("alexd@contoso.com"),
        [],
    )
    assert reply["body"]["content"] == "1 &lt; 2"


def test_refused_mail_leaves_no_draft(client):
    for refused, status in ((message(toRecipients=[]), 400), (message(**{"from": to("ceo@contoso.com")[0]}), 403)):
        assert client.call("POST", f"/users/{SENDER}/sendMail", json={"message": refused}).status_code == status
    assert client.call("GET", f"/users/{SENDER}/mailFolders/drafts/messages").json()["value"] == []


def test_headers_are_returned_only_when_selected(client):
    headers = [{"name": "x-entry", "value": "e1"}]
    message_id = draft(client, internetMessageHeaders=headers)["id"]
    assert "internetMessageHeaders" not in client.call("GET", f"{MESSAGES}/{message_id}").json()
    asked = client.call("GET", f"{MESSAGES}/{message_id}?$select=internetMessageHeaders").json()
    assert asked == {"internetMessageHeaders": headers}


def test_each_kind_of_missing_resource_has_its_own_error(client):
    client.fake_graph.missing = {SENDER, GROUP}
    client.fake_graph.without_mailbox = {"ceo@contoso.com", f"{GROUP[:-1]}1"}
    codes = {
        MESSAGES.upper().replace("/USERS/", "/users/").replace("/MESSAGES", "/messages/m"): "ErrorInvalidUser",
        "/users/ceo@contoso.com/messages/m": "MailboxNotEnabledForRESTAPI",
        f"/groups/{GROUP}": "Request_ResourceNotFound",
        THREADS: "ErrorGroupNotFound",
        f"/groups/{GROUP[:-1]}1/threads": "MailboxNotEnabledForRESTAPI",
    }
    for path, code in codes.items():
        answer = client.call("GET", path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, code)
    assert client.call("GET", f"/groups/{GROUP[:-1]}1").status_code == 200


def test_a_group_with_members_is_private(client):
    assert client.call("GET", f"/groups/{GROUP}?$select=visibility").json() == {"visibility": "Public"}
    client.fake_graph.members = {GROUP: frozenset()}
    assert client.call("GET", f"/groups/{GROUP}?$select=visibility").json() == {"visibility": "Private"}


def test_a_file_with_other_tables_is_emptied(tmp_path):
    path = tmp_path / "graph.sqlite"
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE threads (id TEXT PRIMARY KEY, grp TEXT, topic TEXT, created REAL, visible REAL)")
    with closing(FakeGraph(path)) as fake_graph:
        assert fake_graph.threads(GROUP) == []


def test_a_mailbox_sends_thirty_messages_a_minute(client):
    drafts = [draft(client)["id"] for _ in range(31)]
    assert [send(client, message_id) for message_id in drafts[:30]] == [202] * 30
    refused = client.call("POST", f"{MESSAGES}/{drafts[30]}/send")
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "60")
    client.clock.now += timedelta(seconds=61)
    assert send(client, drafts[30]) == 202


@pytest.mark.parametrize(
    ("method", "path", "content", "status"),
    [
        ("POST", MESSAGES, {"subjects": "x"}, 400),
        ("POST", MESSAGES, {"subject": 7}, 400),
        ("POST", MESSAGES, {"toRecipients": [{"address": ADDRESS}]}, 400),
        ("POST", MESSAGES, {"toRecipients": [{"emailAddress": {"name": "No address"}}]}, 400),
        ("POST", f"/users/{SENDER}/sendMail", {"subject": "x"}, 400),
        ("POST", f"/users/{SENDER}/sendMail", {"saveToSentItems": True}, 400),
        ("POST", MESSAGES, None, 400),
        ("POST", MESSAGES, {"isDraft": False}, 400),
        ("POST", MESSAGES, {"internetMessageHeaders": [{"name": "In-Reply-To", "value": "x"}]}, 400),
        ("GET", f"/users/{SENDER}/mailFolders/drafts/messages?$filter=isDraft", None, 501),
        ("GET", f"/users/{SENDER}/mailFolders/drafts/messages?$top=0", None, 400),
        ("POST", f"/users/{SENDER}/sendMail", {"message": {"subject": "To nobody"}}, 400),
        ("GET", f"{MESSAGES}/AAMkNowhere=", None, 404),
        ("PATCH", f"{MESSAGES}/AAMkNowhere=", {"subject": "x"}, 404),
        ("PATCH", f"{MESSAGES}/AAMkNowhere=", {"attachments": []}, 400),
        ("POST", f"{MESSAGES}/AAMkNowhere=/attachments", FILE, 404),
        ("POST", f"{MESSAGES}/AAMkNowhere=/attachments", {**FILE, "contentBytes": 7}, 400),
        ("DELETE", f"{MESSAGES}/AAMkNowhere=", None, 404),
        ("POST", f"{MESSAGES}/AAMkNowhere=/send", None, 404),
        ("POST", f"{MESSAGES}/AAMkNowhere=/createReplyAll", {}, 404),
        ("GET", f"/groups/{GROUP}?$select=mails", None, 400),
        ("GET", f"/groups/{GROUP}/conversations/AAQkNowhere=/threads", None, 404),
        ("POST", f"/groups/{GROUP}/conversations/AAQkNowhere=/threads", {"topic": "t", "posts": [post()]}, 404),
    ],
)
def test_a_request_that_graph_would_refuse_is_refused(client, method, path, content, status):
    answer = client.call(method, path, **({} if content is None else {"json": content}))
    assert answer.status_code == status
    assert answer.json()["error"]["message"]


def test_a_reply_has_a_comment_or_a_body(client):
    message_id = draft(client)["id"]
    both = {"comment": "x", "message": {"body": {"contentType": "text", "content": "y"}}}
    assert client.call("POST", f"{MESSAGES}/{message_id}/createReplyAll", json=both).status_code == 400


def test_a_thread_of_a_conversation_and_a_reply_to_a_post(client):
    thread = client.start().json()["id"]
    conversation = client.fake_graph.threads(GROUP)[0].conversation
    path = f"/groups/{GROUP}/conversations/{conversation}/threads"
    other = client.call("POST", path, json={"topic": "Other", "posts": [post()]}).json()["id"]
    assert {found["id"] for found in client.call("GET", path).json()["value"]} == {thread, other}
    first = client.call("GET", f"{THREADS}/{thread}/posts").json()["value"][0]["id"]
    assert client.call("GET", f"{THREADS}/{thread}/posts/{first}").json()["id"] == first
    for target, status in ((first, 202), ("AAMkNowhere=", 404)):
        assert (
            client.call("POST", f"{THREADS}/{thread}/posts/{target}/reply", json={"post": post()}).status_code == status
        )


class TokenHolder:
    """A client whose token has exactly these permissions."""

    def __init__(self, client, kind, *permissions, subject="somebody"):
        grant = Grant(kind, frozenset(permissions), subject, "https://graph.microsoft.com", START.timestamp() * 2)
        client.fake_graph.tokens.remember("token", grant)
        client.fake_graph.permissions = "microsoft"
        client.headers = {"Authorization": "Bearer token"}
        self.client = client

    def refusal(self, method, path):
        path = path.format(group=GROUP, thread="t", post="p", conversation="c", mailbox=SENDER, message="m")
        answer = self.client.call(method, path)
        return answer.json()["error"]["code"] if answer.status_code == 403 else ""


@pytest.mark.parametrize("kind", ["app", "user"])
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: f"{one.method} {one.path}")
def test_each_operation_accepts_each_permission_that_microsoft_lists_and_no_other(client, operation, kind):
    listed = operation.application if kind == "app" else operation.delegated
    client.fake_graph.people = {"somebody": SENDER}
    assert TokenHolder(client, kind, "User.Read").refusal(operation.method, operation.path) in {
        "ErrorAccessDenied",
        "Authorization_RequestDenied",
    }
    for permission in listed:
        assert TokenHolder(client, kind, permission).refusal(operation.method, operation.path) == ""


def test_exchange_confines_an_application_to_a_mailbox(client):
    client.fake_graph.mail_scope = {SENDER}
    bare = TokenHolder(client, "app")
    assert bare.refusal("GET", MESSAGES + "/m") == ""
    assert bare.refusal("GET", "/users/ceo@contoso.com/messages/m") == "ErrorAccessDenied"


def test_a_user_needs_shared_permissions_and_membership(client):
    client.fake_graph.mail_scope = {SENDER}
    assert TokenHolder(client, "user").refusal("GET", MESSAGES + "/m") == "ErrorAccessDenied"
    assert TokenHolder(client, "user", "Mail.ReadWrite").refusal("GET", MESSAGES + "/m") == "ErrorAccessDenied"
    assert TokenHolder(client, "user", "Mail.ReadWrite.Shared").refusal("GET", MESSAGES + "/m") == ""
    client.fake_graph.members = {GROUP: frozenset({"a-member"})}
    write = "Group-Conversation.ReadWrite.All"
    assert TokenHolder(client, "user", write, subject="a-stranger").refusal("GET", THREADS) == "ErrorAccessDenied"
    assert TokenHolder(client, "user", write, subject="a-member").refusal("GET", THREADS) == ""
    directory = TokenHolder(client, "user", "GroupMember.Read.All", subject="a-stranger")
    assert directory.refusal("GET", f"/groups/{GROUP}") == ""
