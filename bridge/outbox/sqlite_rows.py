"""How the outbox's rows stand in a SQLite file: its tables, and what is written to them and read from them.

The columns `missing`, `alone` and `until` of `open` and the table `pause` keep the names of older files.
"""

import json
import secrets
import sqlite3
from dataclasses import replace

from bridge.entries import Entry, from_message, to_message
from bridge.errors import Conflict, MessageError
from bridge.outbox.rows import (
    Backoff,
    ContentRow,
    DeadLetter,
    Hold,
    Lease,
    LeftOut,
    Newest,
    OpenEntry,
    ThreadRow,
    Wait,
    memory_of,
)
from bridge.outbox.standing import from_text, to_text

# `group` is a word of SQL, so a group's column is its place: the partition.
SCHEMA = """
CREATE TABLE IF NOT EXISTS seen (
  id TEXT PRIMARY KEY, partition TEXT NOT NULL, source TEXT NOT NULL, kind TEXT NOT NULL, delivery TEXT NOT NULL,
  at REAL NOT NULL, thread TEXT NOT NULL DEFAULT '') WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS seen_at ON seen (at);
CREATE INDEX IF NOT EXISTS seen_delivery ON seen (delivery);
CREATE TABLE IF NOT EXISTS token (id TEXT PRIMARY KEY, token TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS token_token ON token (token);
CREATE TABLE IF NOT EXISTS open (
  id TEXT PRIMARY KEY, partition TEXT NOT NULL, message TEXT NOT NULL, recorded REAL NOT NULL, due REAL NOT NULL,
  state TEXT NOT NULL, tries INTEGER NOT NULL, missing INTEGER NOT NULL, alone INTEGER NOT NULL, attempt TEXT NOT NULL,
  claimed REAL NOT NULL, until REAL NOT NULL, thread TEXT NOT NULL, version TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS head (
  occurred REAL NOT NULL, received REAL NOT NULL, id TEXT PRIMARY KEY, key TEXT NOT NULL, waits INTEGER NOT NULL,
  hours TEXT NOT NULL, window_id TEXT NOT NULL, ending INTEGER NOT NULL) WITHOUT ROWID;
DROP INDEX IF EXISTS open_partition;
DROP INDEX IF EXISTS open_due;
CREATE INDEX IF NOT EXISTS open_head ON open (partition, due, state, recorded, id);
CREATE TABLE IF NOT EXISTS answer (id TEXT PRIMARY KEY, answer TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS post (id TEXT PRIMARY KEY, at REAL NOT NULL, tries INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS dead (
  id TEXT PRIMARY KEY, partition TEXT NOT NULL, message TEXT NOT NULL, reason TEXT NOT NULL, advice TEXT NOT NULL,
  at REAL NOT NULL, tries INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS dead_at ON dead (at);
CREATE TABLE IF NOT EXISTS thread (
  partition TEXT NOT NULL, key TEXT NOT NULL, thread TEXT NOT NULL, created REAL NOT NULL, posted REAL NOT NULL,
  ended REAL, version TEXT NOT NULL, PRIMARY KEY (partition, key)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS thread_posted ON thread (posted);
CREATE TABLE IF NOT EXISTS newest (
  partition TEXT NOT NULL, key TEXT NOT NULL, id TEXT NOT NULL, content TEXT NOT NULL, received REAL NOT NULL,
  left_out REAL NOT NULL, PRIMARY KEY (partition, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS memory (
  partition TEXT NOT NULL, key TEXT NOT NULL, memory TEXT NOT NULL, PRIMARY KEY (partition, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS standing (
  partition TEXT NOT NULL, key TEXT NOT NULL, standing TEXT NOT NULL, PRIMARY KEY (partition, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS repeat (
  id TEXT PRIMARY KEY, partition TEXT NOT NULL, key TEXT NOT NULL, of TEXT NOT NULL, since REAL NOT NULL,
  recorded REAL NOT NULL, message TEXT NOT NULL, at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS repeat_key ON repeat (partition, key);
CREATE INDEX IF NOT EXISTS repeat_at ON repeat (at);
CREATE TABLE IF NOT EXISTS content (
  content TEXT PRIMARY KEY, entry TEXT NOT NULL, place TEXT NOT NULL, since REAL NOT NULL, at REAL NOT NULL,
  version TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS content_at ON content (at);
CREATE TABLE IF NOT EXISTS delivery (
  id TEXT PRIMARY KEY, source TEXT NOT NULL, outcome TEXT NOT NULL, delivery TEXT NOT NULL, groups TEXT NOT NULL,
  search TEXT NOT NULL, record TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS delivery_delivery ON delivery (delivery);
CREATE TABLE IF NOT EXISTS delivery_entry (
  entry TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (entry, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS lease (
  partition TEXT NOT NULL, name TEXT NOT NULL, owner TEXT NOT NULL, expires REAL NOT NULL, version TEXT NOT NULL,
  PRIMARY KEY (partition, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pause (
  partition TEXT PRIMARY KEY, until REAL NOT NULL, reason TEXT NOT NULL, since REAL NOT NULL, tries INTEGER NOT NULL)
  WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS wake (partition TEXT PRIMARY KEY, due REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS summary (
  name TEXT PRIMARY KEY, at REAL NOT NULL, count INTEGER NOT NULL, due REAL, held INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS maintenance (id INTEGER PRIMARY KEY, text TEXT NOT NULL, version TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS memo (
  kind TEXT NOT NULL, name TEXT NOT NULL, text TEXT NOT NULL, version TEXT NOT NULL, PRIMARY KEY (kind, name))
  WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS probe (id INTEGER PRIMARY KEY, at REAL NOT NULL, content BLOB NOT NULL)
"""


def new_version() -> str:
    """The version of a write: random, as a row that goes and comes again must not have one that is remembered."""
    return secrets.token_hex(8)


def insert_history(file: sqlite3.Connection, entry: Entry, now: float) -> bool:
    """Writes the row by which a repeat of the entry is recognised; False when it is there already."""
    sql = "INSERT OR IGNORE INTO seen (id, partition, source, kind, delivery, at) VALUES (?, ?, ?, ?, ?, ?)"
    values = (entry.id, entry.group, entry.source, entry.kind, entry.delivery, now)
    return file.execute(sql, values).rowcount == 1


def note_post(file: sqlite3.Connection, row: OpenEntry, thread: ThreadRow) -> None:
    """Notes in the history in which thread an entry was delivered, by which post, when, and after how many tries."""
    file.execute("UPDATE seen SET thread = ? WHERE id = ?", (thread.thread, row.entry.id))
    file.execute("REPLACE INTO token VALUES (?, ?)", (row.entry.id, row.mark))
    file.execute("REPLACE INTO post VALUES (?, ?, ?)", (row.entry.id, thread.posted, row.tries))


HISTORY = (
    "SELECT seen.id, seen.partition, source, kind, delivery, seen.at, thread, coalesce(of, ''), coalesce(token, ''),"
    " coalesce(post.at, 0.0), coalesce(tries, 0), coalesce(answer, '') FROM seen LEFT JOIN repeat USING (id)"
    " LEFT JOIN token USING (id) LEFT JOIN post USING (id) LEFT JOIN answer USING (id)"
)


_OF_THREAD = "LEFT JOIN newest USING (partition, key) LEFT JOIN memory USING (partition, key) WHERE partition = ?"
THREAD = f"SELECT * FROM thread LEFT JOIN standing USING (partition, key) {_OF_THREAD} AND key = ?"  # noqa: S608  our literals
STANDING = f"SELECT * FROM standing JOIN thread USING (partition, key) {_OF_THREAD}"  # noqa: S608  our literals
# By the sender's id of a delivery, the beginning of an entry's, and the token of a post.
FIND = f"""{HISTORY} WHERE seen.id IN (
  SELECT id FROM seen WHERE delivery = ? UNION SELECT id FROM seen WHERE id >= ? AND id < ?
  UNION SELECT id FROM token WHERE token = ? UNION SELECT id FROM open WHERE attempt = ?)
  ORDER BY seen.at, seen.id"""  # noqa: S608  our literals


def insert_left_out(file: sqlite3.Connection, row: OpenEntry, of: Newest) -> None:
    """Keeps a repeat that was left out."""
    at = row.entry.received.timestamp()
    values = (row.entry.id, row.entry.group, row.entry.key, of.id, of.received, row.recorded, to_message(row.entry), at)
    file.execute("REPLACE INTO repeat VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)


def left_out(row: sqlite3.Row) -> LeftOut | None:
    """The repeat of a row; None when it cannot be read, or was never opened."""
    try:
        entry = from_message(row["message"])
    except MessageError:
        return None
    return LeftOut(entry, row["of"], row["since"], row["recorded"]) if isinstance(entry, Entry) else None


def write_content(file: sqlite3.Connection, row: ContentRow) -> ContentRow:
    """Writes the row of a content; Conflict unless it is the one that was read, or there was none."""
    written = replace(row, version=new_version())
    values = (row.entry, row.place, row.since, row.received, written.version, row.content)
    if row.version:
        sql = (
            "UPDATE content SET entry = ?, place = ?, since = ?, at = ?, version = ? WHERE content = ? AND version = ?"
        )
        require_one(file.execute(sql, (*values, row.version)))
    else:
        sql = "INSERT OR IGNORE INTO content (entry, place, since, at, version, content) VALUES (?, ?, ?, ?, ?, ?)"
        require_one(file.execute(sql, values))
    return written


def thread(row: sqlite3.Row) -> ThreadRow:
    """The thread of a row, with the key's newest event."""
    newest = Newest(row["id"] or "", row["content"] or "", row["received"] or 0.0)
    known = (row["key"], row["thread"], row["created"], row["posted"], row["ended"], row["version"])
    return ThreadRow(*known, newest, row["left_out"] or 0.0, memory_of(row["memory"]), from_text(row["standing"]))


def write_thread(file: sqlite3.Connection, group: str, thread: ThreadRow) -> ThreadRow:
    """Writes a thread's row; Conflict unless it is the one that was read, or there was none."""
    written = replace(thread, version=new_version())
    if thread.version:
        sql = "UPDATE thread SET thread = ?, created = ?, posted = ?, ended = ?, version = ?"
        sql += " WHERE partition = ? AND key = ? AND version = ?"
        where: tuple[str, ...] = (group, thread.key, thread.version)
    else:
        sql = "INSERT OR IGNORE INTO thread (thread, created, posted, ended, version, partition, key)"
        sql += " VALUES (?, ?, ?, ?, ?, ?, ?)"
        where = (group, thread.key)
    values = (thread.thread, thread.created, thread.posted, thread.ended, written.version)
    require_one(file.execute(sql, (*values, *where)))
    newest = (thread.newest.id, thread.newest.content, thread.newest.received, thread.left_out)
    file.execute("REPLACE INTO newest VALUES (?, ?, ?, ?, ?, ?)", (group, thread.key, *newest))
    key = (group, thread.key)
    if thread.version:  # else there is nothing
        file.execute("DELETE FROM memory WHERE partition = ? AND key = ?", key)
        file.execute("DELETE FROM standing WHERE partition = ? AND key = ?", key)
    if thread.memory:
        file.execute("INSERT INTO memory VALUES (?, ?, ?)", (*key, json.dumps(thread.memory)))
    if thread.standing:
        file.execute("INSERT INTO standing VALUES (?, ?, ?)", (*key, to_text(thread.standing)))
    return written


def write_lease(file: sqlite3.Connection, lease: Lease) -> Lease:
    """Writes a lease's row; Conflict unless it is the one that was read, or there was none."""
    written = replace(lease, version=new_version())
    values = (lease.owner, lease.expires, written.version, lease.partition, lease.name)
    if lease.version:
        sql = "UPDATE lease SET owner = ?, expires = ?, version = ? WHERE partition = ? AND name = ? AND version = ?"
        require_one(file.execute(sql, (*values, lease.version)))
    else:
        sql = "INSERT OR IGNORE INTO lease (owner, expires, version, partition, name) VALUES (?, ?, ?, ?, ?)"
        require_one(file.execute(sql, values))
    return written


def wait(row: sqlite3.Row) -> Wait:
    """The wait of a row: a hold has a reason, a backoff has none."""
    if row["reason"]:
        return Hold(row["until"], row["reason"], row["since"], row["tries"])
    return Backoff(row["until"])


def write_wait(file: sqlite3.Connection, group: str, wait: Wait | None) -> None:
    """Writes or, with None, removes a group's wait."""
    match wait:
        case Hold(until, reason, since, tries):
            values = (until, reason, since, tries)
        case Backoff(until):
            values = (until, "", 0.0, 0)
        case None:
            file.execute("DELETE FROM pause WHERE partition = ?", (group,))
            return
    file.execute("REPLACE INTO pause VALUES (?, ?, ?, ?, ?)", (group, *values))


def write_dead_letter(file: sqlite3.Connection, letter: DeadLetter) -> None:
    """Writes a dead letter, in place of one with the same id."""
    values = (letter.id, letter.group, letter.message, letter.reason, letter.advice, letter.at, letter.tries)
    file.execute("REPLACE INTO dead VALUES (?, ?, ?, ?, ?, ?, ?)", values)


def require_one(written: sqlite3.Cursor) -> None:
    """Conflict unless a row had the version that was read."""
    if written.rowcount != 1:
        raise Conflict("A row has been written by another drain since it was read.")


def purge(file: sqlite3.Connection, before: float, idle: float) -> None:
    """Forgets what is older than that, as `Entries.purge` has it."""
    file.execute("DELETE FROM seen WHERE at < ? AND id NOT IN (SELECT id FROM open)", (before,))
    file.execute("DELETE FROM head WHERE id NOT IN (SELECT id FROM open)")
    for table in ("token", "post", "answer"):
        file.execute(f"DELETE FROM {table} WHERE id NOT IN (SELECT id FROM seen)")  # noqa: S608
    file.execute("DELETE FROM dead WHERE at < ?", (before,))
    file.execute("DELETE FROM thread WHERE posted < ? OR ended < ?", (idle, before))
    for table in ("newest", "memory", "standing"):
        sql = f"DELETE FROM {table} WHERE (partition, key) NOT IN (SELECT partition, key FROM thread)"  # noqa: S608
        file.execute(sql)
    file.execute("DELETE FROM repeat WHERE at < ?", (before,))
    file.execute("DELETE FROM content WHERE at < ?", (before,))
