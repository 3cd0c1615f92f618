"""A page's token leads to the next page of the same list, and nowhere else."""

from datetime import UTC, datetime

import pytest

from functions.shared import paging
from functions.shared.errors import Invalid
from functions.shared.firestore import Snapshot
from functions.shared.http import page_token

HOME = "workspaces/ws_1/widgets"
AT = datetime(2026, 11, 25, 12, 0, 0, 5, tzinfo=UTC)


def test_a_token_leads_back_to_its_place() -> None:
    last = Snapshot(f"{HOME}/wgt_1", {"created_at": AT}, "1.0")
    assert paging.place_of(paging.next_token(last, "created_at"), HOME) == (AT, f"{HOME}/wgt_1")
    assert paging.place_of(None, HOME) is None


@pytest.mark.parametrize(
    "token",
    [
        "x",
        page_token("2026-11-25T12:00:00Z"),
        page_token("yesterday", f"{HOME}/wgt_1"),
        page_token("2026-11-25T12:00:00", f"{HOME}/wgt_1"),
        page_token(5, f"{HOME}/wgt_1"),
        page_token("2026-11-25T12:00:00Z", 5),
        page_token("2026-11-25T12:00:00Z", HOME),
        page_token("2026-11-25T12:00:00Z", f"{HOME}/"),
        page_token("2026-11-25T12:00:00Z", f"{HOME}/wgt_1/versions/v"),
        page_token("2026-11-25T12:00:00Z", "workspaces/ws_2/widgets/wgt_1"),
    ],
)
def test_another_token_is_refused(token: str) -> None:
    with pytest.raises(Invalid):
        paging.place_of(token, HOME)
