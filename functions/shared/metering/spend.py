"""Carries the algorithm of holds out on Firestore; the only writer of `workspaces/{workspace}/spend/{month}`.

A turn costs one commit for the hold (with its conversation) and one for the settlement (with turn, conversation and
event): the caller's own documents ride along through `also`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from functions.shared import clock, contracts, events, firestore, logs
from functions.shared.contracts import BillingRead, BooksRead
from functions.shared.metering import apart, holds, terms
from functions.shared.metering.limits import Hold, Spend

if TYPE_CHECKING:
    from functions.shared.identity import WorkspaceId

Also = Callable[[firestore.Batch], None]


def spend_path(workspace: WorkspaceId, moment: datetime) -> str:
    """The spend document of the period that a moment belongs to."""
    return contracts.path(workspace, "spend", clock.month_of(moment))


def terms_of(workspace: WorkspaceId, found: firestore.Snapshot) -> dict[str, Any]:
    """The spend document as `found`; where there is none yet, the one that a first hold will open.

    That costs some reads, and the write that ends the month before."""
    return found.data if found.exists else opening(workspace, found.id)


def seen_terms(workspace: WorkspaceId, found: firestore.Snapshot) -> dict[str, Any]:
    """As `terms_of`, for who only looks: nothing is written, and no month ends by it."""
    return found.data if found.exists else _opening(workspace, found.id, look=True)


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

    It is charged as far as the caps leave room. A month that is over takes corrections alone, without its credit and trial;
    for others it raises Unavailable (`cap_busy`). `row` is complete but for its digest. Returns the event, to be published
    after the commit, which raises AlreadyExists for an id that is there, and Changed when others spent meanwhile.
    """
    document = terms_of(workspace, found)
    spend = Spend.stored(document)
    if row["type"] == "correction" and (spend.over or found.id < clock.month_of(now)):
        spend = spend.afterwards()
    change = holds.unheld(spend, row, now)
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
    def write(erased: bool) -> None:
        batch = firestore.Batch()
        batch.update(path, _fields(change))
        _events(batch, workspace, change, now)
        if not erased:
            also(batch)
        batch.commit()

    return _done(write)


def _guarded(workspace: WorkspaceId, path: str, hold: Hold, decide: Any, also: Also) -> bool:
    event_path = contracts.path(workspace, "events", hold.turn)

    def write(erased: bool) -> None:
        def work(transaction: firestore.Transaction) -> None:
            spend, event = transaction.get_all([path, event_path])
            now = clock.now()
            change = decide(Spend.stored(spend.data), event.data["row"] if event.exists else None, now)
            if change is not None:
                transaction.update(path, _fields(change))
                _events(transaction, workspace, change, now)
                if not erased:
                    also(transaction)

        firestore.transact(work)

    return _done(write)


def _done(write: Callable[[bool], None]) -> bool:
    """Whether `write` wrote, for the first time; again with True when what the turn belongs to was erased meanwhile."""
    try:
        try:
            write(False)
        except firestore.Changed:
            write(True)
    except firestore.AlreadyExists:
        return False
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
    return contracts.SpendRead.model_validate(seen_terms(workspace, found))


def under(found: firestore.Snapshot, account: BillingRead) -> Spend:
    """What a period has spent, as it would stand under the plan and the caps of this account."""
    return Spend.stored({**found.data, **terms.fields(account)})


def opening(workspace: WorkspaceId, month: str, account: BillingRead | None = None) -> dict[str, Any]:
    """A period's spend document as it begins: the terms of `account`, and what earlier months leave of credit and trial.

    Without `account` they are those that `billing/account` has now. The months before are marked as over: from then on
    they take no hold, so that what was read of them is all they can come to.
    """
    return _opening(workspace, month, account)


def _opening(
    workspace: WorkspaceId, month: str, account: BillingRead | None = None, *, look: bool = False
) -> dict[str, Any]:
    paths = [contracts.workspace_path(workspace), contracts.path(workspace, "billing", "state")]
    home, state = firestore.get_all(paths)
    first = _first_open(home.data, state.data)
    earlier = _earlier(workspace, first, month) if look else _end(workspace, first, month)
    if account is None:
        # After the mark: what changed before that is seen here, and what changes later is written here, too.
        account = BillingRead.model_validate(firestore.get(contracts.path(workspace, "billing", "account")).data)
    return {
        **_left_by(workspace, account, first, earlier, month),
        "spent_nanos": 0,
        "cost_nanos": 0,
        "turns": 0,
        "holds": {},
        **_standing(home.data),
        **terms.fields(terms.agreed(account, month)),
    }


def _first_open(home: Mapping[str, Any], state: Mapping[str, Any]) -> str:
    """The first month without a final invoice."""
    return BooksRead.model_validate(state).period or clock.month_of(home.get("created_at", clock.now()))


def _earlier(workspace: WorkspaceId, first: str, month: str) -> list[firestore.Snapshot]:
    """The spend documents, there or not, of the months from `first` to before `month`."""
    paths = []
    while first < month:
        paths.append(contracts.path(workspace, "spend", first))
        first = clock.next_month(first)
    return firestore.get_all(paths) if paths else []


def _end(workspace: WorkspaceId, first: str, month: str) -> list[firestore.Snapshot]:
    """As `_earlier`, after marking them as over; the last one is made for that where nothing opened it, since a turn that
    began in it could still do so."""
    while True:
        found = _earlier(workspace, first, month)
        batch = firestore.Batch()
        for one in found:
            if one.exists and not one.data.get("over"):
                batch.update(one.path, {("over",): True})
        if found and not found[-1].exists:
            batch.create(found[-1].path, {**opening(workspace, found[-1].id), "over": True})
        if not len(batch):
            return found
        with contextlib.suppress(firestore.AlreadyExists):
            batch.commit()


def _left_by(
    workspace: WorkspaceId, account: BillingRead, first: str, earlier: Sequence[firestore.Snapshot], month: str
) -> dict[str, int | None]:
    return {
        "trial_nanos": None if account.paid_once else apart.of_trial(workspace, month),
        "credit_apart_nanos": apart.of_credit(workspace, account, first, earlier),
    }


def set_apart(workspace: WorkspaceId, now: datetime) -> None:
    """Look again at what earlier months leave the running period of credit and trial, now that more is known of them.

    Some reads, and a write where it differs. What takes credit or gives it back meanwhile writes that document, too, so
    that this is decided again.
    """
    path = spend_path(workspace, now)
    others = [
        contracts.workspace_path(workspace),
        contracts.path(workspace, "billing", "state"),
        contracts.path(workspace, "billing", "account"),
    ]

    def work(batch: firestore.Batch, known: list[firestore.Snapshot]) -> None:
        (found,) = known
        if not found.exists:
            return
        home, state, account = firestore.get_all(others)
        first = _first_open(home.data, state.data)
        earlier = _earlier(workspace, first, found.id)
        left = _left_by(workspace, BillingRead.model_validate(account.data), first, earlier, found.id)
        changed = {name: value for name, value in left.items() if value != found.data.get(name)}
        if changed:
            batch.update(path, {(name,): value for name, value in changed.items()}, if_etag=found.etag)

    firestore.compete([path], [firestore.get(path)], work)


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
    standing = _standing(home)
    for running in _running(workspace, found):
        if running.exists:
            another = running.data.get("currency", "USD") != standing["currency"]
            fields: dict[tuple[str, ...], Any] = {(name,): value for name, value in standing.items()}
            batch.update(running.path, fields, if_etag=running.etag if another else None)
        else:
            batch.create(running.path, {**opening(workspace, running.id), **standing})


def _running(workspace: WorkspaceId, found: firestore.Snapshot) -> Iterator[firestore.Snapshot]:
    """The period as `found`, and what has begun since where it is over already: who came late must change that, too."""
    yield found
    while found.data.get("over"):
        found = firestore.get(contracts.path(workspace, "spend", clock.next_month(found.id)))
        yield found


def write_terms(
    batch: firestore.Batch,
    workspace: WorkspaceId,
    account: BillingRead,
    found: firestore.Snapshot,
    *,
    unchanged: bool = False,
    apart_nanos: int = 0,
) -> None:
    """Add to the batch the new terms of the running period, on its spend document as `found`.

    `unchanged` demands that nobody has written it since: what rests on what the period has used. So much of the credit as
    `apart_nanos` makes no room from now on: an invoice that this commit drafts will take it.
    Takes effect with the commit that also writes `billing/account`. What is spent and held is never touched. A period
    that no turn has opened is opened here: a turn that read the account before would open it with the old terms. So of
    the two one meets AlreadyExists, and reads again.
    """
    for running in _running(workspace, found):
        if not running.exists:
            document = opening(workspace, running.id, account)
            document["credit_apart_nanos"] += apart_nanos
            batch.create(running.path, document)
            continue
        in_force = terms.fields(terms.agreed(account, running.id))
        fields: dict[tuple[str, ...], Any] = {(name,): value for name, value in in_force.items()}
        if account.paid_once:
            fields[("trial_nanos",)] = None
        if apart_nanos:
            fields[("credit_apart_nanos",)] = firestore.Increment(apart_nanos)
        batch.update(running.path, fields, if_etag=running.etag if unchanged else None)
