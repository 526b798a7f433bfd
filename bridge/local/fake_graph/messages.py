"""The mail that the stand-in Graph keeps: drafts, and what was sent."""

import base64
import json
import math
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bridge.local.fake_graph.file import MailboxFile

# While it is being sent it is in neither folder: https://learn.microsoft.com/graph/outlook-immutable-id
_MESSAGES = """
SELECT id, place, fields, conversation, created, gone FROM (
    SELECT rowid AS number, id, fields, conversation, created,
        CASE WHEN sent <= :now THEN moved ELSE place END AS place,
        CASE WHEN sent <= :now THEN sent END AS gone
    FROM messages
    WHERE mailbox = :mailbox AND shown <= :now AND (sent IS NULL OR sent > :now OR arrived <= :now OR :settling)
) WHERE :id IN ('', id, place) AND (gone IS NULL OR NOT :drafts) ORDER BY created, number LIMIT :top OFFSET :skip
"""


@dataclass(frozen=True)
class MailMessage:
    """A message of a mailbox. id: its immutable one; place: the other one, which changes when it moves.

    fields: subject, body, recipients and so on, as they were given. sent: None for a draft.
    """

    id: str
    place: str
    fields: dict[str, Any]
    conversation: str
    created: datetime
    sent: datetime | None


class MessageStore:
    """The messages of all mailboxes, whose addresses are in lower case; safe for threads."""

    def __init__(self, file: MailboxFile) -> None:
        self._file = file

    def draft(
        self, mailbox: str, fields: Mapping[str, Any], created: datetime, shown: datetime, conversation: str = ""
    ) -> MailMessage:
        """Keeps a new draft."""
        new = MailMessage(
            _ident("AAkA"), _ident("AAMk"), dict(fields), conversation or _ident("AAQk"), created, sent=None
        )
        row = (new.id, new.place, _ident("AAMk"), mailbox, json.dumps(new.fields), new.conversation)
        times = (created.timestamp(), shown.timestamp())
        with self._file.writing() as db:
            db.execute("INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL)", (*row, *times))
        return new

    def message(self, mailbox: str, ident: str, *, settling: bool = False) -> MailMessage | None:
        """A message of the mailbox, by either of its ids. settling: also one that is being sent."""
        return next(iter(self._found(mailbox, ident, settling=settling)), None)

    def drafts(self, mailbox: str, top: int, skip: int) -> list[MailMessage]:
        """The drafts of the mailbox, the oldest first."""
        return self._found(mailbox, drafts=True, top=top, skip=skip)

    def change(self, ident: str, fields: Mapping[str, Any]) -> None:
        """Replaces the fields of a message."""
        with self._file.writing() as db:
            db.execute("UPDATE messages SET fields = ? WHERE id = ?", (json.dumps(fields), ident))

    def delete(self, ident: str) -> None:
        """Forgets a message; what of it is still to be sent is not."""
        with self._file.writing() as db:
            self._withdraw(ident)
            db.execute("DELETE FROM messages WHERE id = ?", (ident,))

    def send(self, mailbox: str, ident: str, sent: datetime, arrived: datetime | None) -> None:
        """Makes a draft a message that was sent, and lies among those from `arrived` on; None is never.

        One that was to be sent later is sent now instead.
        """
        with self._file.writing() as db:
            self._withdraw(ident)
            times = (sent.timestamp(), arrived.timestamp() if arrived else math.inf)
            db.execute("UPDATE messages SET sent = ?, arrived = ? WHERE id = ?", (*times, ident))
            db.execute("INSERT INTO sendings VALUES (?, ?, ?)", (ident, mailbox, sent.timestamp()))

    def sendings(self, mailbox: str, since: datetime) -> list[datetime]:
        """When the mailbox has sent since then, oldest first; what was before is forgotten."""
        with self._file.writing() as db:
            db.execute("DELETE FROM sendings WHERE mailbox = ? AND sent <= ?", (mailbox, since.timestamp()))
        rows = self._file.rows("SELECT sent FROM sendings WHERE mailbox = :mailbox ORDER BY sent", mailbox=mailbox)
        return [_time(sent) for (sent,) in rows]

    def _withdraw(self, ident: str) -> None:
        """Takes back what was yet to happen because the message is sent: a fault may have put that in the future."""
        with self._file.writing() as db:
            if self._file.rows("SELECT id FROM messages WHERE id = :id AND sent > :now", id=ident):
                db.execute("DELETE FROM posts WHERE message = ?", (ident,))
                db.execute("DELETE FROM threads WHERE NOT EXISTS (SELECT 1 FROM posts WHERE posts.thread = threads.id)")
                db.execute("DELETE FROM sendings WHERE message = ?", (ident,))

    def _found(
        self,
        mailbox: str,
        ident: str = "",
        *,
        drafts: bool = False,
        settling: bool = False,
        top: int = -1,
        skip: int = 0,
    ) -> list[MailMessage]:
        asked = {"mailbox": mailbox, "id": ident, "drafts": drafts, "settling": settling, "top": top, "skip": skip}
        rows = self._file.rows(_MESSAGES, **asked)
        return [
            MailMessage(found, place, json.loads(fields), conversation, _time(created), _time(sent) if sent else None)
            for found, place, fields, conversation, created, sent in rows
        ]


def _time(timestamp: float) -> datetime:
    return datetime.fromtimestamp(timestamp, UTC)


def _ident(kind: str) -> str:
    """An id like those of Exchange, whose first letters say what it is of."""
    return kind + base64.urlsafe_b64encode(secrets.token_bytes(76)).decode()
