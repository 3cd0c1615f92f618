"""Every query of billing's room: where its documents are, and how they are read."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from functions.billing import charges
from functions.billing.models import Account, EntryKind, Invoice, InvoiceState, LedgerEntry, UsageEvent
from functions.billing.payment_models import Payment
from functions.shared import contracts, firestore
from functions.shared.contracts import RollupRead, TurnRead
from functions.shared.firestore import Query, Snapshot
from functions.shared.identity import WorkspaceId
from functions.shared.identity.workspace import from_directory
from functions.shared.plans import PublishedPlan

AT_ONCE = 100

LOOKED_AT = 20
"""Conversations that are asked whether somebody talked in them."""


def account_path(workspace: WorkspaceId) -> str:
    """The plan, the caps and the credit: what metering begins a period with."""
    return contracts.path(workspace, "billing", "account")


def state_path(workspace: WorkspaceId) -> str:
    """How far the close has come; every write of a close demands its etag."""
    return contracts.path(workspace, "billing", "state")


def profile_path(workspace: WorkspaceId) -> str:
    """Who the invoices go to."""
    return contracts.path(workspace, "billing", "profile")


def mark_path(workspace: WorkspaceId, day: str) -> str:
    """The closing mark of a UTC day."""
    return contracts.path(workspace, "billing", f"closed_{day}")


def grant_path(workspace: WorkspaceId, grant_id: str) -> str:
    """Credit as an operator gave it, so that nobody gives it twice; what is left of it is in the account."""
    return contracts.path(workspace, "billing", f"grant_{grant_id}")


def entry_path(workspace: WorkspaceId, entry_id: str) -> str:
    """A ledger entry."""
    return contracts.path(workspace, "ledger", entry_id)


def invoice_path(workspace: WorkspaceId, invoice_id: str) -> str:
    """An invoice, from its draft on."""
    return contracts.path(workspace, "invoices", invoice_id)


def payment_path(workspace: WorkspaceId, payment_id: str) -> str:
    """A payment."""
    return contracts.path(workspace, "payments", payment_id)


def note_path(workspace: WorkspaceId, note_id: str) -> str:
    """A credit note."""
    return contracts.path(workspace, "credit_notes", note_id)


def charges_path(workspace: WorkspaceId, name: str) -> str:
    """A tally: `day_2026-11-25` or `month_2026-11`, both UTC."""
    return contracts.path(workspace, "charges", name)


def plan_path(plan_version: str) -> str:
    """A version of a plan that the operator published; plans belong to the installation, not to a workspace."""
    return f"plans/{plan_version}"


def plans_for(workspace: WorkspaceId) -> list[PublishedPlan]:
    """The versions that were published for everybody and those for this workspace, as they were published; each is a
    read."""
    where = (("workspace_id", "in", ["", str(workspace)]),)
    found = list(firestore.stream(Query("plans", where=where)))  # type: ignore[arg-type]
    return [plan_of(one) for one in sorted(found, key=lambda one: (one.data["published_at"], one.id))]


def all_plans() -> list[Snapshot]:
    """Every version that was published, for the operator."""
    return firestore.find(Query("plans"))


def page_of_operators_acts(limit: int, after: tuple[datetime, str] | None) -> list[Snapshot]:
    """What operators did, to whichever workspace and to the installation, the latest first."""
    return firestore.find(Query("operator_acts", order=("-at",), limit=limit, after=after or ()))


def plan_of(found: Snapshot) -> PublishedPlan:
    """The plan in a document."""
    return PublishedPlan.model_validate({**found.data["terms"], "effective_from": found.data["effective_from"]})


def workspaces() -> Iterator[tuple[WorkspaceId, dict[str, Any]]]:
    """Every workspace that is not erased, for the jobs of the whole installation."""
    for found in firestore.stream(Query("workspaces", fields=("state",))):
        if found.data.get("state") != "erased":
            yield from_directory(found.id), found.data


def page_of_workspaces(limit: int, after: str | None) -> list[tuple[WorkspaceId, Snapshot]]:
    """Workspaces by id, erased ones too, for the operator."""
    past = () if after is None else (f"workspaces/{from_directory(after)}",)
    return [(from_directory(found.id), found) for found in firestore.find(Query("workspaces", limit=limit, after=past))]


def entries_of_day(workspace: WorkspaceId, day: str) -> list[LedgerEntry]:
    """The usage entries booked for a day, those that correct it too."""
    return [entry for entry in _entries(workspace, "day", day) if entry.kind == EntryKind.USAGE]


def entries_by_day(workspace: WorkspaceId, first: str, last: str) -> dict[str, list[LedgerEntry]]:
    """As `entries_of_day` for the days from `first` to `last` that have entries, in one query."""
    where: Any = (("day", ">=", first), ("day", "<=", last))
    found: dict[str, list[LedgerEntry]] = {}
    for entry in _found(workspace, where):
        if entry.kind == EntryKind.USAGE and entry.day is not None:
            found.setdefault(entry.day, []).append(entry)
    return found


def entries_of_period(workspace: WorkspaceId, period: str) -> list[LedgerEntry]:
    """What is on the invoice of a month, and what became of it."""
    return _entries(workspace, "period", period)


def entries_of_usage_period(workspace: WorkspaceId, period: str) -> list[LedgerEntry]:
    """What belongs to a month, whichever invoice it went on."""
    return _entries(workspace, "usage_period", period)


def entries_booked(workspace: WorkspaceId, since: datetime, until: datetime) -> list[LedgerEntry]:
    """What was booked in a half-open span, of whatever kind."""
    return _found(workspace, (("booked_at", ">=", since), ("booked_at", "<", until)))


def entries_of_invoice(workspace: WorkspaceId, invoice_id: str) -> list[LedgerEntry]:
    """What finalizing, payments and voiding booked on an invoice."""
    return _entries(workspace, "invoice_id", invoice_id)


def page_of_credit(workspace: WorkspaceId, limit: int, after: tuple[datetime, str] | None) -> list[LedgerEntry]:
    """What moved customer credit, the latest first; two queries, since it stands on either side of an entry."""
    past = () if after is None else (after[0], entry_path(workspace, after[1]))
    found: dict[str, LedgerEntry] = {}
    for side in ("debit_account", "credit_account"):
        where: Any = ((side, "==", Account.CUSTOMER_CREDIT.value),)
        home = contracts.path(workspace, "ledger")
        for one in firestore.find(Query(home, where=where, order=("-booked_at",), limit=limit, after=past)):
            found[one.id] = LedgerEntry.from_document(one.data)
    return sorted(found.values(), key=lambda one: (one.booked_at, one.entry_id), reverse=True)[:limit]


def entries_of_credit(workspace: WorkspaceId) -> list[LedgerEntry]:
    """All that ever moved customer credit, on either side of an entry."""
    found: dict[str, LedgerEntry] = {}
    for side in ("debit_account", "credit_account"):
        found |= {one.entry_id: one for one in _entries(workspace, side, Account.CUSTOMER_CREDIT.value)}
    return list(found.values())


def _entries(workspace: WorkspaceId, field: str, value: str) -> list[LedgerEntry]:
    return _found(workspace, ((field, "==", value),))


def _found(workspace: WorkspaceId, where: Any) -> list[LedgerEntry]:
    found = firestore.stream(Query(contracts.path(workspace, "ledger"), where=where))
    return sorted((LedgerEntry.from_document(one.data) for one in found), key=lambda entry: entry.entry_id)


def invoice_of(found: Snapshot) -> Invoice:
    """The invoice in a document."""
    return Invoice.from_document({name: value for name, value in found.data.items() if name in Invoice.model_fields})


def invoice_document(invoice: Invoice, **more: Any) -> dict[str, Any]:
    """An invoice as it is stored, with what is due, which other folders may read."""
    return {**invoice.to_document(), "due_minor": invoice.due_minor, **more}


def invoices_in(workspace: WorkspaceId, *states: InvoiceState) -> list[Snapshot]:
    """All invoices in these states, the oldest first."""
    where = (("state", "in", [state.value for state in states]),)
    found = firestore.find(Query(contracts.path(workspace, "invoices"), where=where))  # type: ignore[arg-type]
    return sorted(found, key=lambda one: one.id)


def invoices_being_voided(workspace: WorkspaceId) -> list[Snapshot]:
    """Invoices whose void has begun and not ended."""
    where: Any = (("voiding", "==", True),)
    return firestore.find(Query(contracts.path(workspace, "invoices"), where=where))


def invoices_due(first: WorkspaceId, last: WorkspaceId) -> dict[str, list[Invoice]]:
    """What is open or overdue, by workspace, of every workspace from the first id to the last: one query for all."""
    due = [InvoiceState.OPEN.value, InvoiceState.OVERDUE.value]
    where: Any = (("state", "in", due), ("workspace_id", ">=", str(first)), ("workspace_id", "<=", str(last)))
    found: dict[str, list[Invoice]] = {}
    for one in firestore.stream(Query("invoices", where=where, order=("workspace_id",), group=True)):
        invoice = invoice_of(one)
        found.setdefault(invoice.workspace_id, []).append(invoice)
    return found


def invoices_of_period(workspace: WorkspaceId, period: str) -> list[Invoice]:
    """The invoices of a month: one, and those in place of which it was issued."""
    where: Any = (("period", "==", period),)
    found = firestore.find(Query(contracts.path(workspace, "invoices"), where=where))
    return [invoice_of(one) for one in found]


def moved_between(workspace: WorkspaceId, since: datetime, until: datetime) -> bool:
    """Whether any conversation last moved in this span."""
    where: Any = (("updated_at", ">=", since), ("updated_at", "<", until))
    home = contracts.path(workspace, "conversations")
    return bool(firestore.find(Query(home, where=where, order=("updated_at",), limit=1, fields=("updated_at",))))


def talked_between(workspace: WorkspaceId, since: datetime, until: datetime) -> bool:
    """Whether a turn was taken in this span, in one of the conversations that last moved in it; looks at a few of them."""
    where: Any = (("updated_at", ">=", since), ("updated_at", "<", until))
    home = contracts.path(workspace, "conversations")
    for found in firestore.find(
        Query(home, where=where, order=("updated_at",), limit=LOOKED_AT, fields=("updated_at",))
    ):
        turns = Query(f"{found.path}/turns", order=("-seq",), limit=1)
        if any(since <= TurnRead.model_validate(one.data).occurred_at < until for one in firestore.find(turns)):
            return True
    return False


def page_of_invoices(
    workspace: WorkspaceId, state: str | None, limit: int, after: tuple[str, str] | None
) -> list[Snapshot]:
    """Invoices, the newest month first, in one state if it is given."""
    home = contracts.path(workspace, "invoices")
    past = () if after is None else (after[0], invoice_path(workspace, after[1]))
    where: Any = () if state is None else (("state", "==", state),)
    return firestore.find(Query(home, where=where, order=("-period",), limit=limit, after=past))


def page_of_payments(
    workspace: WorkspaceId, invoice_id: str | None, limit: int, after: tuple[datetime, str] | None
) -> list[Snapshot]:
    """Payments, the latest first, of one invoice if it is given."""
    home = contracts.path(workspace, "payments")
    past = () if after is None else (after[0], payment_path(workspace, after[1]))
    where: Any = () if invoice_id is None else (("invoice_id", "==", invoice_id),)
    return firestore.find(Query(home, where=where, order=("-received_at",), limit=limit, after=past))


def notes_of(workspace: WorkspaceId, invoice_id: str) -> list[Snapshot]:
    """The credit notes of an invoice, the oldest first; they are few, since each takes something off."""
    found = firestore.find(Query(contracts.path(workspace, "credit_notes"), where=(("invoice_id", "==", invoice_id),)))
    return sorted(found, key=lambda one: (one.data["issued_at"], one.data["number"]))


def notes_unfiled(workspace: WorkspaceId) -> list[Snapshot]:
    """Credit notes whose files may be missing."""
    return firestore.find(Query(contracts.path(workspace, "credit_notes"), where=(("state", "==", "finalizing"),)))


def payment_of(found: Snapshot) -> Payment:
    """The payment in a document."""
    return Payment.from_document(found.data)


def read(paths: Sequence[str]) -> list[Snapshot]:
    """These documents in order, in as few round trips as they need."""
    found: list[Snapshot] = []
    for start in range(0, len(paths), AT_ONCE):
        found += firestore.get_all(paths[start : start + AT_ONCE])
    return found


def add_charges(batch: firestore.Batch, workspace: WorkspaceId, name: str, event: UsageEvent, newest: int) -> None:
    """Add one event to a tally blindly, making it if it is not there. `newest` is its time in Unix microseconds."""
    fields = {
        **_increments(charges.increments(event)),
        "currency": event.currency,
        "as_of_micros": firestore.Maximum(newest),
    }
    batch.merge(charges_path(workspace, name), fields)


def tallies_stored(workspace: WorkspaceId, names: Sequence[str]) -> list[Snapshot]:
    """These tallies' documents in order, all of one moment."""
    return firestore.get_all([charges_path(workspace, name) for name in names])


def replace_charges(batch: firestore.Batch, stored: Snapshot, fresh: charges.Tally, newest: int) -> None:
    """Put another tally in the place of one as it was read."""
    batch.replace(stored.path, {**fresh.to_document(), "as_of_micros": newest}, if_etag=stored.etag)


def _increments(added: dict[str, Any]) -> dict[str, Any]:
    return {
        key: _increments(value) if isinstance(value, dict) else firestore.Increment(value)
        for key, value in added.items()
    }


def tallies(workspace: WorkspaceId, names: Sequence[str], currency: str) -> list[tuple[charges.Tally, int]]:
    """These tallies and the time of the newest event in each, in Unix microseconds; one never written is empty."""
    found = read([charges_path(workspace, name) for name in names])
    return [
        (charges.Tally.from_document({"currency": currency, **one.data}), one.data.get("as_of_micros", 0))
        for one in found
    ]


def hours(workspace: WorkspaceId, first: str, last: str) -> dict[str, list[RollupRead]]:
    """By UTC day from `first` to `last`, as far as it has any, analytics' rollups of its hours, in one query."""
    names = (f"hour_{first}T00", f"hour_{last}T23")
    found: dict[str, list[RollupRead]] = {}
    for one in firestore.stream(Query(contracts.path(workspace, "rollups"), ids=names)):
        day = one.id.removeprefix("hour_").partition("T")[0]
        found.setdefault(day, []).append(RollupRead.model_validate(one.data))
    return found


def hour_rollups(workspace: WorkspaceId, since: datetime, until: datetime) -> dict[datetime, RollupRead]:
    """Analytics' rollups of the UTC hours that touch a span, as far as there are any, by their beginning, in one query."""
    names = (f"hour_{since:%Y-%m-%dT%H}", f"hour_{until - timedelta(microseconds=1):%Y-%m-%dT%H}")
    found = firestore.stream(Query(contracts.path(workspace, "rollups"), ids=names))
    return {
        datetime.fromisoformat(f"{one.id.removeprefix('hour_')}:00+00:00"): RollupRead.model_validate(one.data)
        for one in found
    }


def rollups_stored(workspace: WorkspaceId, names: Sequence[str]) -> list[RollupRead]:
    """These rollups in order, all of one moment; one that was never written is empty."""
    found = firestore.get_all([contracts.path(workspace, "rollups", name) for name in names])
    return [RollupRead.model_validate(one.data) for one in found]


def time_zone_changed(workspace: WorkspaceId, since: datetime) -> bool:
    """Whether the workspace has got another time zone since then, as its audit log tells."""
    where: Any = (("kind", "==", "workspace"), ("at", ">=", since))
    changes = firestore.find(Query(contracts.path(workspace, "activity"), where=where, order=("-at",)))
    return any("time_zone" in (one.data.get("after") or {}) for one in changes)


def made_at(workspace: WorkspaceId) -> datetime | None:
    """When the workspace was made; None when there is none."""
    found = firestore.get(contracts.workspace_path(workspace))
    return found.data.get("created_at")


def agent_names(workspace: WorkspaceId, agents: Sequence[str]) -> dict[str, str]:
    """The names of agents, deleted ones too."""
    found = read([contracts.path(workspace, "agents", agent) for agent in sorted(set(agents))])
    return {one.id: str(one.data["name"]) for one in found if one.data.get("name")}


def unmarked(workspace: WorkspaceId, consumer: str, event_ids: Sequence[str]) -> set[str]:
    """Which events a consumer has not applied."""
    prefix = f"{consumer}_"
    found = read([contracts.path(workspace, "processed", prefix + event_id) for event_id in event_ids])
    return {one.id.removeprefix(prefix) for one in found if not one.exists}
