"""Azure Storage as the bridge uses it: queues as the Functions host does, and the account by the host's settings."""

import base64
import contextlib
import json
import time
import zlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

import pytest
from azure.core.credentials import AzureNamedKeyCredential
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.identity import DefaultAzureCredential, ManagedIdentityCredential

from bridge.entries import Wake, to_message
from bridge.errors import RowRefused
from bridge.outbox import is_configured
from bridge.outbox.azure import AzureOutbox
from bridge.outbox.azure_queue import AzureQueue
from bridge.outbox.azure_storage import Account
from bridge.outbox.base import Message
from bridge.outbox.rows import DeadLetter
from bridge.publishing.policy import Policy
from bridge.publishing.publisher import Publisher
from tests.azurite import KEY, needs_azurite
from tests.graph_servers import answer, raw
from tests.local_stack import PATIENCE
from tests.microsoft import microsoft
from tests.outbox_stand_ins import START, Clock, FakeChannel, entry


@pytest.fixture
def account(storage):
    return Account(storage.account())


@pytest.fixture
def queue(account):
    made = AzureQueue(account)
    yield made
    made.close()


def taken(queue, lease=60):
    """The next message, waited for."""
    deadline = time.monotonic() + PATIENCE
    while (message := queue.take(lease)) is None:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return message


@needs_azurite
def test_a_message_is_hidden_until_it_is_due(queue):
    queue.put("ü", 1)
    assert queue.take(60) is None
    message = taken(queue)
    assert (message.body, message.dequeue_count) == ("ü", 1)
    assert queue.take(60) is None


@needs_azurite
def test_messages_are_base64_as_the_host_reads_them_and_others_are_read_as_they_are(queue, account):
    queue.put("x")
    raw = account.queue()
    assert [message.content for message in raw.peek_messages()] == ["eA=="]
    queue.delete(taken(queue))
    raw.send_message("no base64!")
    assert taken(queue).body == "no base64!"
    raw.close()


@needs_azurite
def test_messages_never_expire(queue, account):
    """Azure's own default is a week, and a group may be on hold for longer than that."""
    queue.put("x")
    queue.put("poison")
    ten_years = datetime.now(UTC) + timedelta(days=3650)
    with contextlib.closing(account.queue()) as raw:
        assert all(message.expires_on > ten_years for message in raw.peek_messages(5))
    queue.poison(taken(queue))
    with contextlib.closing(account.queue("entries-poison")) as raw:
        assert all(message.expires_on > ten_years for message in raw.peek_messages(5))


@needs_azurite
def test_all_poisoned_messages_are_found_at_once_and_then_hidden_for_a_while(queue):
    for number in range(40):
        queue.put(str(number))
        queue.poison(taken(queue))
    assert len(queue.poisoned()) == 40
    assert queue.poisoned() == []


@needs_azurite
def test_a_renewed_message_is_deleted_by_its_new_receipt(queue):
    queue.put("x")
    first = taken(queue)
    renewed = queue.renew(first, 60)
    stale = [queue.delete(first), queue.renew(first, 1), queue.retry(first, 1)]
    assert not any(stale)
    assert queue.delete(renewed)
    assert queue.take(1) is None


@needs_azurite
def test_a_message_comes_again_and_is_poison_in_the_end(queue):
    queue.put("x")
    assert queue.retry(taken(queue), 0)
    again = taken(queue)
    assert again.dequeue_count == 2
    assert queue.poison(again)
    (poisoned,) = queue.poisoned()
    assert poisoned.body == "x"
    assert queue.discard(poisoned)
    assert not queue.discard(poisoned)


@pytest.mark.parametrize("call", [AzureQueue.delete, lambda queue, message: queue.renew(message, 60)])
def test_a_refusal_of_the_storage_is_not_taken_for_a_stale_receipt(call):
    with raw(answer(201), answer(201), answer(403)) as server:
        account = Account("", server.url, server.url, AzureNamedKeyCredential("account", KEY))
        with contextlib.closing(AzureQueue(account)) as queue, pytest.raises(HttpResponseError):
            call(queue, Message("1", "x", 1, "a receipt"))


def test_a_role_for_reading_is_enough_where_the_queue_is_there():
    with raw(answer(403), answer(403)) as server:
        account = Account("", server.url, server.url, AzureNamedKeyCredential("account", KEY))
        with contextlib.closing(AzureQueue(account)):
            pass


@needs_azurite
def test_when_to_look_again_is_soon(queue):
    assert time.time() < queue.next_visible() < time.time() + 5


@pytest.fixture
def outbox(account):
    made = AzureOutbox(account.table())
    yield made
    made.close()


@needs_azurite
def test_an_entry_of_any_size_that_the_queue_takes_fits_into_a_row(outbox):
    big = entry(1, html="".join(chr(0x4E00 + n * 7919 % 20000) for n in range(15_000)))
    outbox.record(big, START, START)
    assert [row.entry for row in outbox.open_entries("g")] == [big]


@needs_azurite
def test_a_key_may_hold_what_the_name_of_a_row_may_not(outbox):
    outbox.record(entry(1, thread="refs/heads/a#b?c\\d"), START, START)
    assert outbox.threads("g", ["github refs/heads/a#b?c\\d"]) == {}


@needs_azurite
def test_a_row_that_storage_refuses_is_an_error_of_its_own(outbox):
    outbox.record(entry(1), START, START)
    (row,) = outbox.open_entries("g")
    with pytest.raises(RowRefused):
        outbox.move_to_dead_letters(row, DeadLetter(row.entry.id, "g", "", "x" * 70_000, "", START))


@needs_azurite
def test_an_open_row_that_holds_no_entry_is_unreadable(outbox, account):
    outbox.record(entry(1), START, START)
    with account.table() as table:
        name = {"PartitionKey": "g", "RowKey": f"open-{entry(1).id}"}
        table.update_entity({**name, "message": zlib.compress(to_message(Wake("g")).encode())})
    assert outbox.open_entries("g") == []
    (unreadable,) = outbox.read_group("g", START).unreadable
    assert unreadable.id == entry(1).id


class Counting:
    """A client that counts its calls."""

    def __init__(self, inner):
        self._inner = inner
        self.calls = 0

    def __getattr__(self, name):
        self.calls += 1
        return getattr(self._inner, name)


@needs_azurite
def test_a_long_history_costs_no_request_more(account):
    table, clock = Counting(account.table()), Clock()
    with contextlib.closing(AzureOutbox(table)) as outbox, contextlib.closing(AzureQueue(account)) as queue:
        publisher = Publisher(outbox, queue, FakeChannel(), Policy(settle=0, lanes=1), clock=clock)
        calls = []
        for number in range(40):
            before = table.calls
            publisher.handle(to_message(entry(number, str(number))))
            clock.now += 5
            publisher.handle(to_message(Wake("g")))
            calls.append(table.calls - before)
        assert outbox.counts().open == 0
    # The first one makes the rows that the others find. Then each needs a batch to record it, one that claims it and
    # one that ends it, and reads its group and its thread; the wake reads the group once more, and the windows of
    # maintenance are read every fifteen seconds.
    assert set(calls[1:20]) == set(calls[20:]) == {6, 7}


@needs_azurite
def test_a_lease_that_was_given_back_is_taken_again_in_one_request(account):
    table = Counting(account.table())
    with contextlib.closing(AzureOutbox(table)) as outbox, contextlib.closing(AzureOutbox(account.table())) as other:
        calls = []
        for owner in ("one", "two"):
            before = table.calls
            lease = outbox.acquire("slots", "slot/0", owner, START, START + 9)
            calls.append(table.calls - before)
            outbox.renew(replace(lease, owner="", expires=0.0))
        assert calls == [2, 1]
        assert other.acquire("slots", "slot/0", "other", START, START + 9).owner == "other"
        assert outbox.acquire("slots", "slot/0", "three", START, START + 9).owner == "other"


class Pages:
    """A table whose answers are pages, of which some are empty and not the last."""

    def __init__(self, pages):
        self._pages = pages

    def query_entities(self, text, parameters, results_per_page):
        return self

    def get_entity(self, partition, name):
        raise ResourceNotFoundError

    def by_page(self, token):
        return Answers(self._pages, token or 0)


class Answers:
    def __init__(self, pages, place):
        self._pages, self.continuation_token = pages, place

    def __next__(self):
        if self.continuation_token is None:
            raise StopIteration
        page, following = self._pages[self.continuation_token], self.continuation_token + 1
        self.continuation_token = following if following < len(self._pages) else None
        return iter(page)


class StoredRow(dict):
    metadata = MappingProxyType({"etag": "1"})


def test_an_empty_page_is_not_the_end_of_the_rows():
    leased = StoredRow(PartitionKey="g", RowKey="lease", owner="other", expires=START + 9)
    opened = StoredRow(PartitionKey="g", RowKey="open-1", message=b"?")
    state = AzureOutbox(Pages([[], [], [leased], [], [opened]])).read_group("g", START + 10)
    assert (state.lease.owner, [row.id for row in state.unreadable]) == ("other", ["1"])
    assert AzureOutbox(Pages([[], []])).read_group("g", START).lease.version == ""


FORMS = {
    "a connection string": ({"": "UseDevelopmentStorage=true"}, ("UseDevelopmentStorage=true", "", ""), None),
    "a name": (
        {"__accountName": "contoso"},
        ("", "https://contoso.table.core.windows.net", "https://contoso.queue.core.windows.net"),
        DefaultAzureCredential,
    ),
    "an address": (
        {"__tableServiceUri": "https://contoso.table.core.windows.net", "__credential": "managedidentity"},
        ("", "https://contoso.table.core.windows.net", "https://contoso.queue.core.windows.net"),
        ManagedIdentityCredential,
    ),
    "both addresses": (
        {
            "__tableServiceUri": "https://t.example",
            "__queueServiceUri": "https://q.example",
            "__credential": "managedidentity",
            "__clientId": "an-id",
        },
        ("", "https://t.example", "https://q.example"),
        ManagedIdentityCredential,
    ),
}


@pytest.mark.parametrize(("parts", "account", "credential"), FORMS.values(), ids=FORMS)
def test_the_account_is_the_one_of_the_functions_host(parts, account, credential):
    env = {f"AzureWebJobsStorage{part}": value for part, value in parts.items()}
    assert is_configured(env)
    found = Account.from_env(env)
    assert (found.connection, found.tables, found.queues) == account
    assert credential is None or isinstance(found.credential, credential)


def test_the_account_is_asked_for_with_the_identity_that_the_host_names(tmp_path, monkeypatch):
    with microsoft(tmp_path) as ms:
        for name, value in ms.env.items():
            monkeypatch.setenv(name, value)
        parts = {
            "__accountName": "a",
            "__credential": "ManagedIdentity",
            "__clientId": ms.entra.user_assigned.client_id,
        }
        account = Account.from_env({f"AzureWebJobsStorage{part}": value for part, value in parts.items()})
        token = account.credential.get_token(ms.entra.cloud.graph_scope).token
        assert claims(token)["appid"] == ms.entra.user_assigned.client_id


def claims(token):
    """The claims of an access token."""
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


@needs_azurite
def test_an_account_is_reached_by_its_addresses_and_a_credential(storage):
    # The emulator takes tokens over TLS alone; a key is a credential as well.
    name, tables, queues = storage.addresses()
    account = Account("", tables, queues, AzureNamedKeyCredential(name, KEY))
    with contextlib.closing(AzureOutbox(account.table())) as outbox, contextlib.closing(AzureQueue(account)) as queue:
        outbox.record(entry(1), START, START)
        queue.put(to_message(Wake("g")))
        assert outbox.counts().open == 1


def test_without_any_of_them_there_is_no_account():
    assert not is_configured({"AzureWebJobsStorage": " ", "AzureWebJobsStorage__credential": "managedidentity"})
