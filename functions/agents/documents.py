"""Reads documents that people bring along, each in a process of its own with bounded time and memory.

One at a time in an instance: the memory that a hostile document may take is then known, and fits.
"""

import json
import subprocess
import sys
import threading
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from functions.shared import clock, logs
from functions.shared.errors import Invalid, TooLarge, Unavailable

MAX_BYTES = 10 * 1024 * 1024
SECONDS = 40.0
"""The longest that one document is read, whatever its share of the processor; extraction bounds the processor's time."""
_LEAST_SECONDS = 5.0
_SECONDS_AFTER = 15.0
"""What cutting, embedding and storing still need of the request."""

Kind = Literal["html", "pdf"]

_WHY = {
    "pdf_encrypted": "The PDF is encrypted. Save it without a password and without restrictions.",
    "pdf_without_text": "The PDF holds pictures of pages and no text. Run text recognition (OCR) over it first.",
    "pdf_too_many_pages": "A PDF has at most 500 pages here. Cut it in several.",
    "not_pdf": "This is not a PDF, or it is damaged.",
    "html_without_text": "There is no text in this page. What a script writes into it cannot be read.",
    "document_too_complex": "The document takes more time or memory to read than is given. Simplify it or cut it in several.",
    "not_readable": "The document cannot be read.",
}
_busy = threading.Lock()


@dataclass(frozen=True)
class Document:
    """What a document says: HTML as Markdown, a PDF as text with a form feed between its pages."""

    title: str
    text: str


def read(content: bytes, kind: Kind, deadline: datetime) -> Document:
    """The text of a document. Raises Invalid with a code that says why not, TooLarge, Unavailable when all are busy."""
    if not _busy.acquire(timeout=max(0.0, _left(deadline) - _LEAST_SECONDS)):
        raise Unavailable("Other documents are being read at this moment.", code="documents_busy", retry_after=5)
    try:
        answer = _asked(content, kind, min(SECONDS, max(_LEAST_SECONDS, _left(deadline))))
    finally:
        _busy.release()
    refused = answer.get("refused")
    if refused == "item_too_large":
        raise TooLarge("The document holds more text than an item takes. Cut it in several.", code="item_too_large")
    if refused is not None:
        logs.info("a document was refused", code=refused, kind=kind, reason=answer.get("reason", ""))
        raise Invalid(code=refused, errors=[{"pointer": "", "message": _WHY[refused]}])
    return Document(answer["title"], answer["text"])


def _left(deadline: datetime) -> float:
    return (deadline - clock.now()).total_seconds() - _SECONDS_AFTER


def _asked(content: bytes, kind: Kind, seconds: float) -> dict[str, str]:
    command = [sys.executable, "-m", "functions.agents.extraction", kind]
    # Nothing of our environment goes in; the path is what this process imports from.
    environment = {"PYTHONPATH": ":".join(sys.path), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(command, input=content, capture_output=True, env=environment, timeout=seconds, check=True)
        answer: dict[str, str] = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        return {"refused": "document_too_complex", "reason": "time"}
    except (subprocess.CalledProcessError, ValueError) as error:
        # The system has ended it at one of its bounds.
        return {"refused": "document_too_complex", "reason": type(error).__name__}
    return answer
