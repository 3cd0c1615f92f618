"""What the store does when nobody waits for it: old versions, the write-ahead log, documents that have expired."""

import logging
import threading
import time
from typing import Any

from google.cloud.firestore_v1 import types

from local.firestore.errors import Refused
from local.firestore.protocol import plain
from local.firestore.store import Store

_LOG = logging.getLogger(__name__)
_Write = plain(types.Write)
_TIDY_SECONDS = 2.0
_SWEEP_SECONDS = 3600.0
_SWEEP_BATCH = 200


def keep_house(store: Store, stopping: threading.Event) -> None:
    """Tidy every two seconds; delete expired documents at the start and every hour, until `stopping` is set."""
    next_sweep = time.monotonic()
    while not stopping.wait(_TIDY_SECONDS):
        try:
            store.tidy()
            if time.monotonic() >= next_sweep:
                next_sweep = time.monotonic() + _SWEEP_SECONDS
                sweep(store, time.time_ns() // 1000)
        except Exception:  # noqa: BLE001 - whatever failed is tried again; serving must go on
            _LOG.exception("Housekeeping failed.")


def sweep(store: Store, now: int) -> int:
    """Delete all documents whose TTL field is before `now` (us); returns how many.

    One that is renewed meanwhile stays: each delete holds for the version that was seen only.
    """
    deleted = 0
    while expired := store.expired(now, _SWEEP_BATCH):
        before = deleted
        for job in store.submit_each([_delete(document) for document in expired]):
            if job.error is None:
                deleted += 1
            elif not isinstance(job.error, Refused):
                raise job.error
        if deleted == before:
            break
    return deleted


def _delete(document: Any) -> Any:
    write = _Write(delete=document.name)
    write.current_document.update_time.CopyFrom(document.update_time)
    return write
