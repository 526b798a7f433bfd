"""The stand-in's mailboxes, and Microsoft's permissions, as strict as Graph's."""

from datetime import timedelta

import pytest

from bridge.local.mailbox_faults import Fault
from bridge.local.mailbox_operations import OPERATIONS
from bridge.local.tokens import Grant
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
    assert Somebody(client, "user", "Mail.ReadWrite.Shared").refusal("GET", MESSAGES + "/m") == ""
    client.mailbox.members = {GROUP: frozenset({"a-member"})}
    write = "Group-Conversation.ReadWrite.All"
    assert Somebody(client, "user", write, subject="a-stranger").refusal("GET", THREADS) == "ErrorAccessDenied"
    assert Somebody(client, "user", write, subject="a-member").refusal("GET", THREADS) == ""
