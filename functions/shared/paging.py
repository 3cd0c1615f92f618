"""Pages of a list in the order of a time: where the next page begins, and back from its token."""

from collections.abc import Callable
from datetime import datetime

from functions.shared import clock
from functions.shared.errors import Invalid
from functions.shared.firestore import Snapshot
from functions.shared.http.messages import Page, page_token, page_values

Place = tuple[datetime, str]
"""Time and path of the last document seen: `after` of a query that is ordered by that time."""


def read(
    query: Page, collection: str, field: str, ask: Callable[[int, Place | None], list[Snapshot]]
) -> tuple[list[Snapshot], str | None]:
    """The documents of one page of a collection that is ordered by the time in `field`, and the token of the next page.

    `ask` gets how many to find and where to go on. Raises Invalid for a token that is not of this very collection.
    """
    found = ask(query.page_size + 1, place_of(query.page_token, collection))
    page = found[: query.page_size]
    return page, next_token(page[-1], field) if len(found) > query.page_size else None


def place_of(token: str | None, collection: str) -> Place | None:
    """Where a token of `next_token` says to go on, None for the first page.

    Raises Invalid for a token that is not of this very collection: it is text from outside.
    """
    values = page_values(token, 2)
    if values is None:
        return None
    try:
        at, path = clock.from_text(values[0]), str(values[1])
    except (TypeError, ValueError):
        at, path = None, ""
    home, _, name = path.rpartition("/")
    if at is None or home != collection or not name:
        raise Invalid(errors=[{"pointer": "/page_token", "message": "This is not a page token of this list."}])
    return at, path


def token_of(place: Place) -> str:
    """The token of the page after this place."""
    return page_token(clock.to_text(place[0]), place[1])


def next_token(last: Snapshot, field: str) -> str:
    """The token of the page after `last`, in the order of the time in `field`."""
    return token_of((last.data[field], last.path))
