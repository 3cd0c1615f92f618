"""The dashboard's part in erasing a closed workspace: members, keys, invitations, webhooks, the activity, the directory.

The first sweep after `erase_at` says so in the workspace's document, and from then on nobody can reopen it. A day later,
when every room was asked once more, and neither we nor they have anything left, it is `erased`, and no job comes by
again; until then each day's sweep asks them all. The close comes by no more either, so it is not `erased` before the
month in which it was closed is billed: its date waits for that (`ends`), and where a close was late, the sweep
looks again on the next night. What stays: the document of the workspace itself; the books: billing
profile, ledger, invoices, credit notes, payments, charges, spend, events; and the figures that they are compared with:
rollups, counters without a word that anybody said. What has an end of its own (exports, processed) goes by that.
"""

from datetime import datetime, timedelta

from functions.dashboard import repository
from functions.shared import activity, clock, contracts, directory, firestore, logs, metering
from functions.shared.config import settings
from functions.shared.contracts import BooksRead, InvoiceRead
from functions.shared.firestore import Snapshot
from functions.shared.identity import WorkspaceId

KEPT = timedelta(days=30)
NIGHTLY = timedelta(days=1)
"""The close comes once a day: as long after the grace period an invoice is final at the latest."""
MOST = 10_000
"""Documents of each kind in one run; the next one goes on."""

OTHERS_TURN = timedelta(hours=23)
"""How long the other rooms have: the sweep runs daily, and a run may be a little early."""

OWN = ("members", "api_keys", "invitations", "deliveries", "webhooks")

OTHERS = ("conversations", "agents", "checks", "copies", "fleet", "widgets", "visitors")
"""What the other rooms erase. What lies below a document goes before it, so that an empty collection says all."""


def ends(now: datetime) -> datetime:
    """When a workspace that is closed now is erased: after KEPT, and not before its last month's invoice is final."""
    month_over = clock.start_of_month(clock.next_month(clock.month_of(now)))
    return max(now + KEPT, month_over + timedelta(hours=settings().grace_hours) + NIGHTLY)


def due(home: Snapshot, as_of: datetime) -> bool:
    """Whether the workspace's time is over."""
    ends: datetime | None = home.data.get("erase_at")
    return home.data.get("state") == "closing" and ends is not None and ends <= as_of


def erase(workspace: WorkspaceId, home: Snapshot, as_of: datetime) -> None:
    """Do what is to be done as of a time; may be called again and again. Raises firestore.Changed when it was reopened."""
    since: datetime | None = home.data.get("erasing_since")
    if since is None:
        batch = firestore.Batch()
        batch.update(home.path, {("erasing_since",): as_of}, if_etag=home.etag)
        batch.commit()
    number = _own(workspace) + activity.erase(workspace, MOST) + directory.erase(workspace, MOST)
    logs.info("a closed workspace is being erased", workspace_id=str(workspace), documents=number)
    if since is None or as_of < since + OTHERS_TURN or number > 0:
        return
    left = [collection for collection in OTHERS if repository.paths_in(workspace, collection, 1)]
    if not _billed(workspace, home):
        left.append("the last invoice")
    if left:
        logs.warning("a closed workspace is not erased yet", workspace_id=str(workspace), left=left)
        return
    _end(workspace, as_of)


def _billed(workspace: WorkspaceId, home: Snapshot) -> bool:
    """Whether every invoice up to the month in which it was closed is final, those that were drafted again too."""
    closed: datetime = home.data.get("closed_at") or home.data["erase_at"] - KEPT
    last = clock.month_of(closed)
    (state,) = repository.read([contracts.path(workspace, "billing", "state")])
    if (BooksRead.model_validate(state.data).period or "") <= last:
        return False
    drafted = repository.invoices_in_making(workspace)
    return all(InvoiceRead.model_validate(one.data).period > last for one in drafted)


def _own(workspace: WorkspaceId) -> int:
    number = 0
    for webhook in repository.paths_in(workspace, "webhooks", MOST):
        name = webhook.rpartition("/")[2]
        number += firestore.delete_tree(repository.paths_in(workspace, f"webhooks/{name}/deliveries", MOST))
    for collection in OWN:
        number += firestore.delete_tree(repository.paths_in(workspace, collection, MOST))
    return number


def _end(workspace: WorkspaceId, as_of: datetime) -> None:
    paths = [contracts.workspace_path(workspace), metering.spend_path(workspace, as_of)]

    def write(batch: firestore.Batch, found: list[Snapshot]) -> None:
        home, spend = found
        fields = {"state": "erased", "erased_at": as_of, "alert_emails": []}
        batch.update(home.path, {(name,): value for name, value in fields.items()}, if_etag=home.etag)
        if spend.exists:
            metering.write_standing(batch, workspace, {**home.data, **fields}, spend)

    firestore.compete(paths, repository.read(paths), write)
