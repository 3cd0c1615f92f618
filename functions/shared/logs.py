"""Structured log lines for Cloud Logging, and the count of paid operations that each request's line carries.

One JSON object a line on standard output, with the fields Cloud Logging knows (`severity`, `message`,
`logging.googleapis.com/trace`). The counters are per context: a request starts with `request()`, every module that
pays for an operation calls `count("firestore_reads", 6)`, and the request's line shows the sums. Content never goes in
here.
"""

import json
import sys
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from functions.shared import clock

_operations: ContextVar[Counter[str] | None] = ContextVar("operations", default=None)
_context: ContextVar[dict[str, Any] | None] = ContextVar("log_context", default=None)


@contextmanager
def request(**fields: Any) -> Iterator[Counter[str]]:
    """Put `fields` (request_id, trace, …) on every line and count operations until the block ends."""
    operations: Counter[str] = Counter()
    counting, context = _operations.set(operations), _context.set(fields)
    try:
        yield operations
    finally:
        _operations.reset(counting)
        _context.reset(context)


def count(operation: str, number: int = 1) -> None:
    """Add paid operations (`firestore_reads`, `firestore_writes`, `pubsub_publishes`, …) to this request's sums."""
    operations = _operations.get()
    if operations is not None:
        operations[operation] += number


def current() -> dict[str, Any]:
    """The fields of the request being served: request_id, trace; empty outside of one."""
    return dict(_context.get() or {})


def info(message: str, **fields: Any) -> None:
    """Something happened that somebody may look for."""
    _write("INFO", message, fields)


def warning(message: str, **fields: Any) -> None:
    """Something is odd and was dealt with."""
    _write("WARNING", message, fields)


def alarm(message: str, **fields: Any) -> None:
    """Somebody must look at this: severity ERROR with `alarm: true`, which the alert policies match."""
    _write("ERROR", message, {**fields, "alarm": True})


def error(message: str, exception: BaseException | None = None, **fields: Any) -> None:
    """Something failed; with the stack trace when there is an exception."""
    if exception is not None:
        fields["stack_trace"] = "".join(traceback.format_exception(exception))
    _write("ERROR", message, fields)


def _write(severity: str, message: str, fields: dict[str, Any]) -> None:
    line = {"severity": severity, "message": message, "time": clock.to_text(clock.now()), **current(), **fields}
    if "trace" in line:
        line["logging.googleapis.com/trace"] = line.pop("trace")
    sys.stdout.write(json.dumps(line, ensure_ascii=False, default=str) + "\n")
    sys.stdout.flush()
