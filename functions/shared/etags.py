"""ETags of answers that show more than the document which their writes change, such as figures or the reader's role.

An ETag names what is shown: a browser that gets 304 shows its old copy. `If-Match` asks for the document alone: figures
that move do not make an edit stale. So such an ETag is both, and writes take the first part.
"""

from functions.shared import ids

_BETWEEN = "~"


def showing(document: str, *shown: str) -> str:
    """The ETag of an answer about a document with this etag that also shows `shown`."""
    return f"{document}{_BETWEEN}{ids.hashed(*shown)[:16]}"


def of_document(if_match: str | None) -> str | None:
    """The document's own etag in what a client sends as If-Match, for `if_etag` of a write."""
    return None if if_match is None else if_match.partition(_BETWEEN)[0]
