"""The stand-in's mailboxes, and Microsoft's permissions, as strict as Graph's."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta

import pytest

from bridge.local.fake_graph.faults import Fault
from bridge.local.fake_graph.operations import OPERATIONS
from bridge.local.fake_graph.server import Mailbox
from bridge.local.fake_graph.tokens import Grant
from tests.graph_servers import GROUP, mailbox_at
from tests.test_mailbox import START, THREADS, Client, Clock, post

SENDER, ADDRESS = "bridge@contoso.com", "pumps@contoso.com"
MESSAGES = f"/users/{SENDER}/messages"
IMMUTABLE = {"Prefer": 'IdType="ImmutableId"'}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    clock = Clock()
    with mailbox_at(tmp_path_factory.mktemp("mailbox"), clock) as (mailbox, address):
        yield mailbox, address, clock


@pytest.fixture
def client(server):
    """A client of an empty mailbox with everything permitted. The server is shared, for it takes long to stop."""
    mailbox, _, clock = server
    mailbox.permissions, mailbox.members, mailbox.people, mailbox.mail_scope = "open", {}, {}, set()
    mailbox.missing, mailbox.without_mailbox = set(), set()
    mailbox.faults.clear()
    mailbox.addresses.clear()
    mailbox.addresses[ADDRESS] = GROUP
    client = Client(*server)
    clock.now += timedelta(days=1)
    for thread in mailbox.threads(GROUP):
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


def sent(client, ident):
    return client.call("POST", f"{MESSAGES}/{ident}/send").status_code


def test_a_draft_is_sent_once_and_keeps_only_its_immutable_id(client):
    plain = draft(client, headers={})["id"]
    for ident, later in ((plain, 404), (draft(client)["id"], 200)):
        assert client.call("GET", f"{MESSAGES}/{ident}").json()["isDraft"] is True
        assert (sent(client, ident), sent(client, ident)) == (202, 404)
        assert client.call("GET", f"{MESSAGES}/{ident}").status_code == later


def test_mail_to_a_group_is_a_thread_and_replies_to_it_are_posts_there(client):
    first = draft(client)["id"]
    sent(client, first)
    answer = client.call("POST", f"{MESSAGES}/{first}/createReplyAll", json={"comment": "More"}, headers=IMMUTABLE)
    assert (answer.status_code, answer.json()["subject"]) == (201, "RE: Subject")
    sent(client, answer.json()["id"])
    sent(client, draft(client, toRecipients=to("somebody@contoso.com"))["id"])
    (thread,) = client.mailbox.threads(GROUP)
    assert (thread.topic, thread.posts) == ("Subject", 2)


def test_a_group_that_was_given_no_address_has_one_all_the_same(client):
    client.mailbox.addresses.clear()
    address = client.call("GET", f"/groups/{GROUP}?$select=mail").json()["mail"]
    assert client.call("POST", f"/users/{SENDER}/sendMail", json={"message": message(toRecipients=to(address))})
    assert len(client.mailbox.threads(GROUP)) == 1


def test_a_draft_can_be_changed_and_what_was_sent_cannot(client):
    ident = draft(client)["id"]
    changed = client.call("PATCH", f"{MESSAGES}/{ident}", json={"subject": "Other"}).json()
    assert (changed["subject"], changed["toRecipients"]) == ("Other", to(ADDRESS))
    sent(client, ident)
    assert client.call("PATCH", f"{MESSAGES}/{ident}", json={"subject": "Late"}).status_code == 400


def test_drafts_are_listed_until_they_are_sent_or_deleted(client):
    first, second, third = (draft(client, subject=str(number))["id"] for number in range(3))
    sent(client, first)
    assert client.call("DELETE", f"{MESSAGES}/{second}").status_code == 204
    drafts = client.call("GET", f"/users/{SENDER}/mailFolders/drafts/messages", headers=IMMUTABLE).json()["value"]
    assert [found["id"] for found in drafts] == [third]


def test_what_is_sent_late_is_a_draft_until_then(client):
    ident = draft(client)["id"]
    client.tells(Fault("late", 30))
    assert sent(client, ident) == 504
    for seconds, is_draft in ((29, True), (1, False)):
        client.clock.now += timedelta(seconds=seconds)
        assert client.call("GET", f"{MESSAGES}/{ident}").json()["isDraft"] is is_draft
        assert len(client.mailbox.threads(GROUP)) == (0 if is_draft else 1)


def told(client):
    """How many posts each thread of the group has."""
    return [thread.posts for thread in client.mailbox.threads(GROUP)]


def test_of_those_who_send_a_draft_at_once_one_does(client):
    ident = draft(client)["id"]
    with ThreadPoolExecutor(6) as pool:
        answers = sorted(pool.map(lambda _: sent(client, ident), range(6)))
    assert answers == [202] + [404] * 5
    assert told(client) == [1]


@pytest.mark.parametrize("meanwhile", ["send", "DELETE"])
def test_what_would_be_sent_late_is_not_when_the_draft_is_gone_before(client, meanwhile):
    ident = draft(client)["id"]
    client.tells(Fault("late", 30))
    assert sent(client, ident) == 504
    if meanwhile == "send":
        assert sent(client, ident) == 202
    else:
        assert client.call("DELETE", f"{MESSAGES}/{ident}").status_code == 204
    client.clock.now += timedelta(minutes=1)
    assert told(client) == ([1] if meanwhile == "send" else [])


def test_what_was_sent_and_is_deleted_stays_in_the_group_and_counts(client):
    for _ in range(30):
        ident = draft(client)["id"]
        assert sent(client, ident) == 202
        client.call("DELETE", f"{MESSAGES}/{ident}")
    assert len(told(client)) == 30
    assert sent(client, draft(client)["id"]) == 429


def test_a_message_that_is_being_sent_is_in_no_folder_and_takes_no_reply(client):
    ident = draft(client)["id"]
    assert client.call("POST", f"{MESSAGES}/{ident}/createReplyAll", json={}).status_code == 400
    client.tells(Fault("late-visible", 5))
    assert sent(client, ident) == 202
    assert (sent(client, ident), client.call("GET", f"{MESSAGES}/{ident}").status_code) == (404, 404)
    refused = client.call("POST", f"{MESSAGES}/{ident}/createReplyAll", json={})
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "ErrorInvalidReferenceItem")
    client.clock.now += timedelta(seconds=5)
    assert client.call("GET", f"{MESSAGES}/{ident}").json()["isDraft"] is False
    assert client.call("POST", f"{MESSAGES}/{ident}/createReplyAll", json={}).status_code == 201


def test_the_id_that_was_preferred_is_told_in_the_answer(client):
    plain = client.call("POST", MESSAGES, json=message())
    immutable = client.call("GET", f"{MESSAGES}/{plain.json()['id']}", headers=IMMUTABLE)
    assert "Preference-Applied" not in plain.headers
    assert immutable.headers["Preference-Applied"] == 'IdType="ImmutableId"'
    assert immutable.json()["id"] != plain.json()["id"]


def test_mail_reaches_each_group_once_however_it_is_addressed(client):
    other = f"{GROUP[:-1]}1"
    client.mailbox.addresses["valves@contoso.com"] = other
    client.mailbox.addresses["gone@contoso.com"] = gone = f"{GROUP[:-1]}2"
    client.mailbox.missing = {gone}
    ident = draft(client, toRecipients=to(ADDRESS.upper(), "gone@contoso.com"), ccRecipients=to(ADDRESS))["id"]
    client.call("PATCH", f"{MESSAGES}/{ident}", json={"bccRecipients": to("valves@contoso.com")})
    assert sent(client, ident) == 202
    assert [len(client.mailbox.threads(group)) for group in (GROUP, other, gone)] == [1, 1, 0]


def test_a_reply_to_what_was_sent_to_the_group_is_for_all_but_the_hidden(client):
    ident = draft(client, ccRecipients=to("alexd@contoso.com"), bccRecipients=to("hidden@contoso.com"))["id"]
    sent(client, ident)
    reply = client.call("POST", f"{MESSAGES}/{ident}/createReplyAll", json={"comment": "1 < 2"}).json()
    assert (reply["toRecipients"], reply["ccRecipients"], reply["bccRecipients"]) == (
        to(ADDRESS),
        to("alexd@contoso.com"),
        [],
    )
    assert reply["body"]["content"] == "1 &lt; 2"


def test_mail_that_is_refused_leaves_no_draft(client):
    for refused, status in ((message(toRecipients=[]), 400), (message(**{"from": to("ceo@contoso.com")[0]}), 403)):
        assert client.call("POST", f"/users/{SENDER}/sendMail", json={"message": refused}).status_code == status
    assert client.call("GET", f"/users/{SENDER}/mailFolders/drafts/messages").json()["value"] == []


def test_headers_are_shown_to_who_asks_for_them(client):
    headers = [{"name": "x-entry", "value": "e1"}]
    ident = draft(client, internetMessageHeaders=headers)["id"]
    assert "internetMessageHeaders" not in client.call("GET", f"{MESSAGES}/{ident}").json()
    asked = client.call("GET", f"{MESSAGES}/{ident}?$select=internetMessageHeaders").json()
    assert asked == {"internetMessageHeaders": headers}


def test_what_is_not_there_is_told_in_its_own_way(client):
    client.mailbox.missing = {SENDER, GROUP}
    client.mailbox.without_mailbox = {"ceo@contoso.com", f"{GROUP[:-1]}1"}
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
    client.mailbox.members = {GROUP: frozenset()}
    assert client.call("GET", f"/groups/{GROUP}?$select=visibility").json() == {"visibility": "Private"}


def test_a_file_with_other_tables_is_begun_anew(tmp_path):
    path = tmp_path / "mailbox.sqlite"
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE threads (id TEXT PRIMARY KEY, grp TEXT, topic TEXT, created REAL, visible REAL)")
    with closing(Mailbox(path)) as mailbox:
        assert mailbox.threads(GROUP) == []


def test_a_mailbox_sends_thirty_messages_a_minute(client):
    drafts = [draft(client)["id"] for _ in range(31)]
    assert [sent(client, ident) for ident in drafts[:30]] == [202] * 30
    refused = client.call("POST", f"{MESSAGES}/{drafts[30]}/send")
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "60")
    client.clock.now += timedelta(seconds=61)
    assert sent(client, drafts[30]) == 202


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
        ("DELETE", f"{MESSAGES}/AAMkNowhere=", None, 404),
        ("POST", f"{MESSAGES}/AAMkNowhere=/send", None, 404),
        ("POST", f"{MESSAGES}/AAMkNowhere=/createReplyAll", {}, 404),
        ("GET", f"/groups/{GROUP}?$select=mails", None, 400),
        ("GET", f"/groups/{GROUP}/conversations/AAQkNowhere=/threads", None, 404),
        ("POST", f"/groups/{GROUP}/conversations/AAQkNowhere=/threads", {"topic": "t", "posts": [post()]}, 404),
    ],
)
def test_what_graph_would_refuse_is_refused(client, method, path, content, status):
    answer = client.call(method, path, **({} if content is None else {"json": content}))
    assert answer.status_code == status
    assert answer.json()["error"]["message"]


def test_a_reply_has_a_comment_or_a_body(client):
    ident = draft(client)["id"]
    both = {"comment": "x", "message": {"body": {"contentType": "text", "content": "y"}}}
    assert client.call("POST", f"{MESSAGES}/{ident}/createReplyAll", json=both).status_code == 400


def test_a_thread_of_a_conversation_and_a_reply_to_a_post(client):
    thread = client.start().json()["id"]
    conversation = client.mailbox.threads(GROUP)[0].conversation
    path = f"/groups/{GROUP}/conversations/{conversation}/threads"
    other = client.call("POST", path, json={"topic": "Other", "posts": [post()]}).json()["id"]
    assert {found["id"] for found in client.call("GET", path).json()["value"]} == {thread, other}
    first = client.call("GET", f"{THREADS}/{thread}/posts").json()["value"][0]["id"]
    assert client.call("GET", f"{THREADS}/{thread}/posts/{first}").json()["id"] == first
    for ident, status in ((first, 202), ("AAMkNowhere=", 404)):
        assert (
            client.call("POST", f"{THREADS}/{thread}/posts/{ident}/reply", json={"post": post()}).status_code == status
        )


class Somebody:
    """Calls with a token that is granted exactly so much."""

    def __init__(self, client, kind, *permissions, subject="somebody"):
        grant = Grant(kind, frozenset(permissions), subject, "https://graph.microsoft.com", START.timestamp() * 2)
        client.mailbox.tokens.remember("token", grant)
        client.mailbox.permissions = "microsoft"
        client.headers = {"Authorization": "Bearer token"}
        self.client = client

    def refusal(self, method, path):
        path = path.format(group=GROUP, thread="t", post="p", conversation="c", mailbox=SENDER, message="m")
        answer = self.client.call(method, path)
        return answer.json()["error"]["code"] if answer.status_code == 403 else ""


@pytest.mark.parametrize("kind", ["app", "user"])
@pytest.mark.parametrize("asked", OPERATIONS, ids=lambda one: f"{one.method} {one.path}")
def test_each_operation_takes_each_permission_that_microsoft_lists_and_no_other(client, asked, kind):
    listed = asked.application if kind == "app" else asked.delegated
    client.mailbox.people = {"somebody": SENDER}
    assert Somebody(client, kind, "User.Read").refusal(asked.method, asked.path) in {
        "ErrorAccessDenied",
        "Authorization_RequestDenied",
    }
    for permission in listed:
        assert Somebody(client, kind, permission).refusal(asked.method, asked.path) == ""


def test_exchange_confines_an_application_to_a_mailbox(client):
    client.mailbox.mail_scope = {SENDER}
    bare = Somebody(client, "app")
    assert bare.refusal("GET", MESSAGES + "/m") == ""
    assert bare.refusal("GET", "/users/ceo@contoso.com/messages/m") == "ErrorAccessDenied"


def test_a_user_needs_shared_permissions_and_membership(client):
    client.mailbox.mail_scope = {SENDER}
    assert Somebody(client, "user").refusal("GET", MESSAGES + "/m") == "ErrorAccessDenied"
    assert Somebody(client, "user", "Mail.ReadWrite").refusal("GET", MESSAGES + "/m") == "ErrorAccessDenied"
    assert Somebody(client, "user", "Mail.ReadWrite.Shared").refusal("GET", MESSAGES + "/m") == ""
    client.mailbox.members = {GROUP: frozenset({"a-member"})}
    write = "Group-Conversation.ReadWrite.All"
    assert Somebody(client, "user", write, subject="a-stranger").refusal("GET", THREADS) == "ErrorAccessDenied"
    assert Somebody(client, "user", write, subject="a-member").refusal("GET", THREADS) == ""
    directory = Somebody(client, "user", "GroupMember.Read.All", subject="a-stranger")
    assert directory.refusal("GET", f"/groups/{GROUP}") == ""
