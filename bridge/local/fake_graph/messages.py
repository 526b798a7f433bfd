"""The mail of the stand-in Graph: drafts and sent messages."""

import base64
import json
import math
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bridge.local.fake_graph.store_file import StoreFile

# A message that is being sent is in neither folder: https://learn.microsoft.com/graph/outlook-immutable-id
_MESSAGES = """
SELECT id, current_id, fields, conversation, created, sent FROM (
    SELECT rowid AS number, id, fields, conversation, created,
        CASE WHEN sent <= :now THEN sent_id ELSE draft_id END AS current_id,
        CASE WHEN sent <= :now THEN sent END AS sent
    FROM messages
    WHERE mailbox = :mailbox AND shown <= :now AND (sent IS NULL OR sent > :now OR arrived <= :now OR :in_transit)
) WHERE :id IN ('', id, current_id) AND (sent IS NULL OR NOT :drafts) ORDER BY created, number LIMIT :top OFFSET :skip
"""


@dataclass(frozen=True)
class StoredMessage:
    """A message in a mailbox. id: the immutable id. current_id: the id that changes when the message is moved.

    fields: subject, body, recipients and so on, as the request had them. sent: None for a draft.
    """

    id: str
    current_id: str
    fields: dict[str, Any]
    conversation: str
    created: datetime
    sent: datetime | None


class MessageStore:
    """The messages of all mailboxes; safe for threads. Addresses of mailboxes are in lower case."""

    def __init__(self, file: StoreFile) -> None:
        self._file = file

    def draft(
        self, mailbox: str, fields: Mapping[str, Any], created: datetime, shown: datetime, conversation: str = ""
    ) -> StoredMessage:
        """Save a new draft."""
        new = StoredMessage(
            _new_id("AAkA"), _new_id("AAMk"), dict(fields), conversation or _new_id("AAQk"), created, sent=None
        )
        row = (new.id, new.current_id, _new_id("AAMk"), mailbox, json.dumps(new.fields), new.conversation)
        times = (created.timestamp(), shown.timestamp())
        with self._file.transaction() as db:
            db.execute("INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL)", (*row, *times))
        return new

    def message(self, mailbox: str, message: str, *, in_transit: bool = False) -> StoredMessage | None:
        """The message with that id, immutable or not. in_transit: also one that is being sent."""
        return next(iter(self._find(mailbox, message, in_transit=in_transit)), None)

    def drafts(self, mailbox: str, top: int, skip: int) -> list[StoredMessage]:
        """The drafts of the mailbox, oldest first."""
        return self._find(mailbox, drafts=True, top=top, skip=skip)

    def change(self, message: str, fields: Mapping[str, Any]) -> None:
        """Replace the fields of a message."""
        with self._file.transaction() as db:
            db.execute("UPDATE messages SET fields = ? WHERE id = ?", (json.dumps(fields), message))

    def delete(self, message: str) -> None:
        """Delete a message. If it was to be sent later, it is not sent."""
        with self._file.transaction() as db:
            self._withdraw(message)
            db.execute("DELETE FROM messages WHERE id = ?", (message,))

    def send(self, mailbox: str, message: str, sent: datetime, arrived: datetime | None) -> None:
        """Send a draft. It is among the sent messages from `arrived` on; None means never.

        If it was to be sent later, it is sent now instead.
        """
        with self._file.transaction() as db:
            self._withdraw(message)
            times = (sent.timestamp(), arrived.timestamp() if arrived else math.inf)
            db.execute("UPDATE messages SET sent = ?, arrived = ? WHERE id = ?", (*times, message))
            db.execute("INSERT INTO sendings VALUES (?, ?, ?)", (message, mailbox, sent.timestamp()))

    def sendings(self, mailbox: str, since: datetime) -> list[datetime]:
        """The times at which the mailbox has sent since then, oldest first; earlier ones are forgotten."""
        with self._file.transaction() as db:
            db.execute("DELETE FROM sendings WHERE mailbox = ? AND sent <= ?", (mailbox, since.timestamp()))
        rows = self._file.rows("SELECT sent FROM sendings WHERE mailbox = :mailbox ORDER BY sent", mailbox=mailbox)
        return [_time(sent) for (sent,) in rows]

    def _withdraw(self, message: str) -> None:
        """Undo a sending that a fault has put in the future."""
        with self._file.transaction() as db:
            if self._file.rows("SELECT id FROM messages WHERE id = :id AND sent > :now", id=message):
                db.execute("DELETE FROM posts WHERE message = ?", (message,))
                db.execute("DELETE FROM threads WHERE NOT EXISTS (SELECT 1 FROM posts WHERE posts.thread = threads.id)")
                db.execute("DELETE FROM sendings WHERE message = ?", (message,))

    def _find(
        self,
        mailbox: str,
        message: str = "",
        *,
        drafts: bool = False,
        in_transit: bool = False,
        top: int = -1,
        skip: int = 0,
    ) -> list[StoredMessage]:
        rows = self._file.rows(
            _MESSAGES, mailbox=mailbox, id=message, drafts=drafts, in_transit=in_transit, top=top, skip=skip
        )
        return [
            StoredMessage(
                found, current, json.loads(fields), conversation, _time(created), _time(sent) if sent else None
            )
            for found, current, fields, conversation, created, sent in rows
        ]


def _time(timestamp: float) -> datetime:
    return datetime.fromtimestamp(timestamp, UTC)


def _new_id(prefix: str) -> str:
    """An id like those of Exchange, whose first letters depend on the kind of item."""
    return prefix + base64.urlsafe_b64encode(secrets.token_bytes(76)).decode()
