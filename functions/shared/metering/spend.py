"""Carries the algorithm of holds out on Firestore; the only writer of `workspaces/{workspace}/spend/{month}`.

A turn costs one commit for the hold (with its conversation) and one for the settlement (with turn, conversation and
event): the caller's own documents ride along through `also`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from functions.shared import clock, contracts, events, firestore, logs
from functions.shared.config import settings
from functions.shared.contracts import BillingRead, BooksRead
from functions.shared.metering import holds
from functions.shared.metering.holds import Hold, Spend
from functions.shared.plans import DEFAULT_PLAN, PlanTerms, included_at_any_limit, plan_at, surely_included

if TYPE_CHECKING:
    from functions.shared.identity import WorkspaceId

Also = Callable[[firestore.Batch], None]


def spend_path(workspace: WorkspaceId, moment: datetime) -> str:
    """The spend document of the period that a moment belongs to."""
    return contracts.path(workspace, "spend", clock.month_of(moment))


def terms_of(workspace: WorkspaceId, found: firestore.Snapshot) -> dict[str, Any]:
    """The spend document as `found`; where there is none yet, the one that a first hold will open (a few reads)."""
    return found.data if found.exists else opening(workspace, found.id)


def reserve(
    batch: firestore.Batch,
    workspace: WorkspaceId,
    found: firestore.Snapshot,
    document: Mapping[str, Any],
    ask: Hold,
    now: datetime,
) -> None:
    """Add to the batch the writes that take room for `ask`, on the strength of the spend document as `found`.

    `document` is what `terms_of` gave for it.
    The commit raises Changed or AlreadyExists when somebody wrote it in between: read again and decide again
    (`firestore.compete`). Raises CapReached, Unavailable (`cap_busy`) or TooMany (`visitor_share`), with nothing added:
    what is spent is then told by `record_refusal`.
    """
    change = holds.reservation(Spend.stored(document), ask, now)
    if found.exists:
        batch.update(found.path, _fields(change), if_etag=found.etag)
    else:
        batch.create(found.path, {**document, "holds": {ask.turn: ask.document()}})
    _events(batch, workspace, change, now)


def add_unheld(
    batch: firestore.Batch, workspace: WorkspaceId, found: firestore.Snapshot, row: Mapping[str, Any], now: datetime
) -> events.Event:
    """Add to the batch a usage event that no hold went before, on the strength of the spend document as `found`.

    It is charged as far as the caps leave room; in a month that is over, without its credit and trial. `row` is complete
    but for its digest. Returns the event, to be published after the commit, which raises AlreadyExists for an id that is
    there, and Changed when others spent meanwhile.
    """
    document = terms_of(workspace, found)
    spend = Spend.stored(document)
    change = holds.unheld(spend.over() if found.id < clock.month_of(now) else spend, row, now)
    event_row = dict(change.events[0])
    if found.exists:
        batch.update(found.path, _fields(change), if_etag=found.etag)
    else:
        charge, agent = event_row["charge_nanos"], event_row["agent_id"]
        spent = {"spent_nanos": charge, "cost_nanos": event_row["cost_nanos"], "spent_by_agent": {agent: charge}}
        batch.create(found.path, {**document, **spent})
    _events(batch, workspace, change, now)
    return events.Event(workspace, "usage-recorded", event_row["event_id"], event_row)


def settle(workspace: WorkspaceId, hold: Hold, row: Mapping[str, Any], also: Also, *, now: datetime) -> events.Event:
    """End a turn exactly once: replace its hold by the charge, write its event and, by `also`, its own documents.

    `row` is complete but for its digest. Returns the event that stands for the turn, recorded and not yet published. A
    repeat after a crash or an unknown outcome changes nothing more. When the conversation was erased meanwhile, what
    `also` adds is left out: erased text does not come back, its usage stays. Raises holds.OtherPayload, Unavailable.
    """
    sealed = holds.sealed(row)
    path = spend_path(workspace, hold.occurred_at)
    steps = holds.settlement(hold, sealed, now)
    answer: Any = None
    while True:
        try:
            step = steps.send(answer)
        except StopIteration as end:
            final: Mapping[str, Any] = end.value
            break
        match step:
            case holds.Commit(change):
                answer = _commit(workspace, path, change, also, now)
            case holds.Guarded(decide):
                answer = _guarded(workspace, path, hold, decide, also)
            case holds.ReadEvent(event_id):
                found = events.read(workspace, event_id)
                answer = None if found is None else found.row
    if final["type"] == "correction":
        logs.alarm("a turn settled after its hold had ended; its charge is waived", event_id=final["event_id"])
    return events.Event(workspace, "usage-recorded", final["event_id"], dict(final))


def _commit(workspace: WorkspaceId, path: str, change: holds.Change, also: Also, now: datetime) -> bool:
    for erased in (False, True):
        batch = firestore.Batch()
        batch.update(path, _fields(change))
        _events(batch, workspace, change, now)
        if not erased:
            also(batch)
        try:
            batch.commit()
        except firestore.AlreadyExists:
            return False
        except firestore.Changed:
            if erased:
                raise
            continue
        return True
    return True


def _guarded(workspace: WorkspaceId, path: str, hold: Hold, decide: Any, also: Also) -> bool:
    event_path = contracts.path(workspace, "events", hold.turn)

    def work(transaction: firestore.Transaction) -> None:
        spend, event = transaction.get_all([path, event_path])
        now = clock.now()
        change = decide(Spend.stored(spend.data), event.data["row"] if event.exists else None, now)
        if change is not None:
            transaction.update(path, _fields(change))
            _events(transaction, workspace, change, now)
            if not erased:
                also(transaction)

    for erased in (False, True):
        try:
            firestore.transact(work)
        except firestore.AlreadyExists:
            return False
        except firestore.Changed:
            if erased:
                raise
            continue
        return True
    return True


def _fields(change: holds.Change) -> dict[tuple[str, ...], Any]:
    def native(value: Any) -> Any:
        if isinstance(value, holds.Add):
            return firestore.Increment(value.by)
        return firestore.DELETE if value is None else value

    return {field: native(value) for field, value in change.fields.items()}


def _events(batch: firestore.Batch, workspace: WorkspaceId, change: holds.Change, now: datetime) -> None:
    for row in change.events:
        event = events.Event(workspace, "usage-recorded", row["event_id"], dict(row))
        # A correction is booked on the day on which it is known; its period stays that of its turn.
        moment = now if row["type"] == "correction" else clock.from_text(row["occurred_at"])
        events.record(batch, event, day=clock.day_of(moment), now=now)
        if row["type"] == "correction":
            events.known(batch, workspace, row["corrects"])


def sweep(workspace: WorkspaceId, month: str, now: datetime) -> int:
    """Turn every hold of the period that is dead at `now` into its event; returns how many live holds are left.

    A dead hold whose turn has an event already just goes: it must not stop the sweep for ever.
    """
    path = contracts.path(workspace, "spend", month)

    def work(batch: firestore.Batch, known: list[firestore.Snapshot]) -> Spend:
        spend = Spend.stored(known[0].data)
        turns = [hold.turn for hold in holds.dead_now(spend, now)]
        if turns:
            stored = firestore.get_all([contracts.path(workspace, "events", turn) for turn in turns])
            change = holds.sweeping(spend, now, {event.id for event in stored if event.exists})
            batch.update(path, _fields(change), if_etag=known[0].etag)
            _events(batch, workspace, change, now)
        return spend

    while (found := firestore.get(path)).exists:
        spend = firestore.compete([path], [found], work)
        if not spend.dead(now):
            return len(spend.live(now))
    return 0


def current(workspace: WorkspaceId, now: datetime) -> contracts.SpendRead:
    """What this period has spent and what its caps are; a period without a turn shows the terms it would start with."""
    found = firestore.get(spend_path(workspace, now))
    return contracts.SpendRead.model_validate(found.data if found.exists else opening(workspace, found.id))


def opening(workspace: WorkspaceId, month: str, account: BillingRead | None = None) -> dict[str, Any]:
    """A period's spend document as it begins: the terms of `account`, and what is left of a trial.

    Without `account` they are those that `billing/account` has now.
    """
    paths = [contracts.workspace_path(workspace)]
    if account is None:
        paths.append(contracts.path(workspace, "billing", "account"))
    home, *stored = firestore.get_all(paths)
    terms = agreed(account or BillingRead.model_validate(stored[0].data), month)
    trial = None
    if not terms.paid_once:
        earlier = firestore.find(firestore.Query(contracts.path(workspace, "spend")))
        spent = sum(period.data.get("spent_nanos", 0) for period in earlier if period.id < month)
        trial = max(0, settings().trial_cap_nanos - spent)
    return {
        "trial_nanos": trial,
        "credit_apart_nanos": _used_before(workspace, home.data, month) if terms.credit_nanos else 0,
        "spent_nanos": 0,
        "cost_nanos": 0,
        "turns": 0,
        "holds": {},
        **_standing(home.data),
        **_terms(terms),
    }


def _used_before(workspace: WorkspaceId, home: Mapping[str, Any], month: str) -> int:
    """What earlier months without a final invoice have used of the credit: two reads, and one for each such month."""
    state = firestore.get(contracts.path(workspace, "billing", "state"))
    first = BooksRead.model_validate(state.data).period or clock.month_of(home.get("created_at", clock.now()))
    return _charged(workspace, first, month)


def _charged(workspace: WorkspaceId, first: str, month: str) -> int:
    """What the months from `first` to before `month` have spent and hold beyond what their plans surely include."""
    months = []
    while first < month:
        months.append(contracts.path(workspace, "spend", first))
        first = clock.next_month(first)
    return sum(_used(one.data) for one in firestore.get_all(months) if one.exists) if months else 0


def _used(document: Mapping[str, Any]) -> int:
    """What a period's charges and holds at list can come to at most by its plan, in nanos."""
    spend = Spend.stored(document)
    terms = document.get("plan_terms")
    free = included_at_any_limit(PlanTerms.model_validate(terms)) if terms else 0
    at_list = spend.spent + sum(hold.amount for hold in spend.holds.values())
    return max(0, at_list - free) if at_list else 0


def set_credit_apart(workspace: WorkspaceId, first: str, now: datetime) -> None:
    """Keep in the running period what earlier months have used of the credit, `first` being the first without a final
    invoice: its invoice will take that much, so it makes no room. One read, and one for each such month."""
    found = firestore.get(spend_path(workspace, now))
    if not found.exists:
        return
    wanted = _charged(workspace, first, found.id) if found.data.get("credit_nanos") else 0
    if wanted != found.data.get("credit_apart_nanos", 0):
        batch = firestore.Batch()
        batch.update(found.path, {("credit_apart_nanos",): wanted})
        batch.commit()


def _standing(home: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "currency": home.get("currency", "USD"),
        "state": home.get("state", "active"),
        "retention_days": home.get("retention_days"),
    }


def write_standing(
    batch: firestore.Batch, workspace: WorkspaceId, home: Mapping[str, Any], found: firestore.Snapshot
) -> None:
    """Add to the batch what the running period must know of the workspace, `home` being its document after the change.

    As with `write_terms`, a period that no turn has opened is opened here, so that none opens it with what was before.
    Another currency demands the document as it was `found`: a turn that begins meanwhile is priced in the old one.
    """
    if found.exists:
        standing = _standing(home)
        another = found.data.get("currency", "USD") != standing["currency"]
        fields: dict[tuple[str, ...], Any] = {(name,): value for name, value in standing.items()}
        batch.update(found.path, fields, if_etag=found.etag if another else None)
    else:
        batch.create(found.path, {**opening(workspace, found.id), **_standing(home)})


def agreed(terms: BillingRead, month: str) -> BillingRead:
    """The account with the plan that is in force in a month; the default plan before the first that was agreed."""
    if terms.plans:
        before = [plan for plan in terms.plans if plan.from_month <= month]
        plan, plan_terms = (before[-1].plan, before[-1].plan_terms) if before else (DEFAULT_PLAN, {})
        terms = terms.model_copy(update={"plan": plan, "plan_terms": plan_terms})
    return terms if terms.plan_terms else terms.model_copy(update={"plan_terms": default_terms(month)})


def default_terms(month: str) -> dict[str, Any]:
    """The plan of a workspace that chose none, as published when the period begins."""
    return plan_at(DEFAULT_PLAN, clock.start_of_month(month)).model_dump(mode="json")


def _beyond(terms: BillingRead) -> int:
    """What may be charged at list beyond cap and credit, in nanos, so that the period passes neither.

    Credit ends and is used by earlier months while the period runs, so with it only what holds at any limit counts.
    """
    plan = PlanTerms.model_validate(terms.plan_terms)
    if terms.credit_nanos:
        return included_at_any_limit(plan)
    return surely_included(plan, terms.cap_nanos)


def _terms(terms: BillingRead) -> dict[str, Any]:
    return {
        "plan": terms.plan,
        "plan_terms": terms.plan_terms,
        "cap_nanos": terms.cap_nanos,
        "allowance_nanos": _beyond(terms),
        "credit_nanos": terms.credit_nanos,
        "credit_ends": terms.credit_ends,
        "alerts": list(terms.alerts),
        "agent_alerts": {agent: list(shares) for agent, shares in terms.agent_alerts.items()},
        "agent_caps": terms.agent_caps,
        "visitor_hour_permille": terms.visitor_hour_permille,
        "visitor_day_permille": terms.visitor_day_permille,
    }


def write_terms(
    batch: firestore.Batch,
    workspace: WorkspaceId,
    account: BillingRead,
    found: firestore.Snapshot,
    *,
    unused: bool = False,
) -> None:
    """Add to the batch the new terms of the running period, on its spend document as `found`.

    `unused` demands that nobody has written it since: what rests on a period without a turn.
    Takes effect with the commit that also writes `billing/account`. What is spent and held is never touched. A period
    that no turn has opened is opened here: a turn that read the account before would open it with the old terms. So of
    the two one meets AlreadyExists, and reads again.
    """
    if not found.exists:
        batch.create(found.path, opening(workspace, found.id, account))
        return
    in_force = _terms(agreed(account, found.id))
    fields: dict[tuple[str, ...], Any] = {(name,): value for name, value in in_force.items()}
    if account.paid_once:
        fields[("trial_nanos",)] = None
    batch.update(found.path, fields, if_etag=found.etag if unused else None)
