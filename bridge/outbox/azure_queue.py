"""A queue of Azure Storage, as the Functions host uses it: base64, leases, and a poison queue beside it."""

import base64
import binascii
import math
import time
from collections.abc import Sequence
from dataclasses import replace

from azure.core.exceptions import HttpResponseError
from azure.storage.queue import QueueClient, QueueMessage

from bridge.outbox.azure_storage import QUEUE, Account
from bridge.outbox.base import Message

_FOR_EVER = -1
_POISON_LEASE = 300  # seconds in which poisoned messages are taken back
# A receipt that another one has replaced, and a message that is gone.
_STALE = (400, 404)
_MOST = 32  # messages of one request
_AGAIN = 0.2  # seconds; a storage queue does not say when its next message becomes visible


class AzureQueue:
    """The queue `name` of the account, with its poison queue `<name>-poison`. Safe for threads and processes."""

    def __init__(self, account: Account, name: str = QUEUE) -> None:
        self._queue: QueueClient = account.queue(name)
        self._poison: QueueClient = account.queue(f"{name}-poison")

    def put(self, body: str, delay: float = 0.0) -> None:
        self._queue.send_message(_encoded(body), visibility_timeout=math.ceil(delay), time_to_live=_FOR_EVER)

    def take(self, lease: float) -> Message | None:
        message = self._queue.receive_message(visibility_timeout=math.ceil(lease))
        return None if message is None else _message(message)

    def put_all(self, bodies: Sequence[str]) -> None:
        """Adds messages, one after the other."""
        for body in bodies:
            self.put(body)

    def exchange(self, done: Sequence[Message], lease: float, most: int) -> Sequence[Message]:
        """Removes messages, one after the other, and takes others in one request."""
        for message in done:
            self.delete(message)
        if not most:
            return []
        most = min(most, _MOST)
        taken = self._queue.receive_messages(
            messages_per_page=most, max_messages=most, visibility_timeout=math.ceil(lease)
        )
        return [_message(message) for message in taken]

    def renew(self, message: Message, lease: float) -> Message | None:
        try:
            updated = self._queue.update_message(message.id, message.receipt, visibility_timeout=math.ceil(lease))
        except HttpResponseError as error:
            if error.status_code not in _STALE:
                raise
            return None
        return replace(message, receipt=updated.pop_receipt or "")

    def retry(self, message: Message, delay: float) -> bool:
        return self.renew(message, delay) is not None

    def poison(self, message: Message) -> bool:
        self._poison.send_message(_encoded(message.body), time_to_live=_FOR_EVER)
        return self.delete(message)

    def delete(self, message: Message) -> bool:
        return _delete(self._queue, message)

    def next_visible(self) -> float | None:
        return time.time() + _AGAIN

    def poisoned(self) -> list[Message]:
        found = self._poison.receive_messages(messages_per_page=32, visibility_timeout=_POISON_LEASE)
        return [_message(message) for message in found]

    def poison_count(self) -> int:
        return self._poison.get_queue_properties().approximate_message_count or 0

    def discard(self, message: Message) -> bool:
        return _delete(self._poison, message)

    def close(self) -> None:
        self._queue.close()
        self._poison.close()


def _delete(queue: QueueClient, message: Message) -> bool:
    try:
        queue.delete_message(message.id, message.receipt)
    except HttpResponseError as error:
        if error.status_code not in _STALE:
            raise
        return False
    return True


def _message(taken: QueueMessage) -> Message:
    return Message(taken.id, _text(taken.content), taken.dequeue_count or 1, taken.pop_receipt or "")


def _encoded(body: str) -> str:
    # What is not base64 the host moves to the poison queue, unless host.json says otherwise.
    return base64.b64encode(body.encode()).decode()


def _text(content: str) -> str:
    try:
        return base64.b64decode(content, validate=True).decode()
    except (binascii.Error, ValueError):
        return content
