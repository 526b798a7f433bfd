"""Kept payloads beside the outbox: blobs of the storage account, or files of this machine. The host writes them."""

import contextlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from bridge.deliveries import DeliveryRecord
from bridge.payloads import CONTAINER, TIME, KeptPayload, from_bytes

# The host may name a file when the function begins or when it has ended, which is after four minutes at the latest.
_EARLIER, _LATER = 5, 240  # seconds
_MINUTE_DIGITS = len("2026-11-28T16-20")


class Payloads(Protocol):
    """The kept payloads of webhooks."""

    def find(self, record: DeliveryRecord) -> KeptPayload | None:
        """The payload of a webhook; None where it is not kept, or not any more."""

    def write(self, name: str, content: bytes) -> None:
        """Writes a file or blob of that name."""


class PayloadFiles:
    """Payloads in the files of a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, record: DeliveryRecord) -> KeptPayload | None:
        """The payload of a webhook, as `Payloads` has it."""
        paths = (path for prefix in _prefixes(record) for path in sorted(self._folder.glob(f"{prefix}*")))
        sized = (path for path in paths if path.stat().st_size == record.payload)
        return _first(record, (path.read_bytes() for path in sized))

    def write(self, name: str, content: bytes) -> None:
        """Writes a file of that name, which only its owner can read."""
        try:
            (self._folder / name).write_bytes(content)
        except FileNotFoundError:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            (self._folder / name).write_bytes(content)

    def purge(self, before: float) -> None:
        """Deletes the files that were written before then."""
        for path in self._folder.glob("*") if self._folder.is_dir() else ():
            if path.stat().st_mtime < before:
                path.unlink(missing_ok=True)


class PayloadBlobs:
    """Payloads in the blobs of a container, which a lifecycle rule of the storage account deletes.

    container: a ContainerClient.
    """

    def __init__(self, container: Any) -> None:
        self._container = container

    def find(self, record: DeliveryRecord) -> KeptPayload | None:
        """The payload of a webhook, as `Payloads` has it."""
        from azure.core.exceptions import ResourceNotFoundError  # noqa: PLC0415

        try:
            blobs = (blob for prefix in _prefixes(record) for blob in self._container.list_blobs(prefix))
            sized = (blob.name for blob in blobs if blob.size == record.payload)
            return _first(record, (self._container.download_blob(name).readall() for name in sized))
        except ResourceNotFoundError:
            return None

    def write(self, name: str, content: bytes) -> None:
        """Writes a blob of that name; the container is made where there is none."""
        from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError  # noqa: PLC0415

        try:
            self._container.upload_blob(name, content)
        except ResourceNotFoundError:
            with contextlib.suppress(ResourceExistsError):
                self._container.create_container()
            self._container.upload_blob(name, content)


def _prefixes(record: DeliveryRecord) -> Iterable[str]:
    """With what the name of a payload can begin, minute by minute, the likeliest first."""
    if not record.payload:
        return []
    at = datetime.fromtimestamp(record.at, UTC)
    moments = [at + timedelta(seconds=seconds) for seconds in (0, -_EARLIER, *range(60, _LATER + 60, 60))]
    return dict.fromkeys(moment.strftime(TIME)[:_MINUTE_DIGITS] for moment in moments)


def _first(record: DeliveryRecord, contents: Iterator[bytes]) -> KeptPayload | None:
    """The first content that is of the record."""
    for content in contents:
        try:
            payload = from_bytes(content)
        except (ValueError, KeyError, TypeError):
            continue
        if payload.id == record.id:
            return payload
    return None


def folder_beside(outbox: Path) -> Path:
    """The folder of the payloads of an outbox in a file."""
    return outbox.with_name(CONTAINER)
