"""From a month that has ended to its invoice: a draft at once, final after the grace period, its files in the archive.

Finalizing is one transaction that freezes the lines and takes the number, two files that are made from that alone and
written once, the evidence beside them, and one write that opens the invoice. Each finds what the one before left, so a
repeat goes on where it stopped; nothing is numbered, filed or booked twice.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from functions.billing import credits, evidence, invoicing, ledger, repository, wording
from functions.billing.books import Books, post, tell
from functions.billing.credits import move as add_credit
from functions.billing.grants import GrantKind
from functions.billing.models import EntryKind, Invoice, InvoiceState, LedgerEntry, Party, Period
from functions.shared import clock, contracts, events, firestore, metering, notifications, storage
from functions.shared.config import settings
from functions.shared.contracts import BillingRead
from functions.shared.errors import Conflict, NotFound
from functions.shared.events import Event
from functions.shared.identity import WorkspaceId
from functions.shared.money import Money, minor_to_nanos, minor_unit
from functions.shared.plans import PlanTerms

PDF, JSON = "application/pdf", "application/json"
Also = Callable[[firestore.Batch], None]


class Moved(Exception):
    """The books were written between a query and the transaction that rests on it; start again."""


def terms_of(workspace: WorkspaceId, month: str) -> PlanTerms:
    """The terms that govern a month: those its spend document was rated by, else those agreed for it."""
    start = clock.start_of_month(month)
    spend, account = repository.read([metering.spend_path(workspace, start), repository.account_path(workspace)])
    if spend.exists:
        return PlanTerms.model_validate(spend.data["plan_terms"])
    return PlanTerms.model_validate(metering.agreed(BillingRead.model_validate(account.data), month).plan_terms)


def draft(books: Books, month: str, *, again: bool = False) -> tuple[Invoice | None, list[LedgerEntry]]:
    """A month's invoice as it stands, and the fee, allowance and discount that finalizing it will post.

    None when there is nothing to bill: no line has an amount. `again`: the month was billed before and was void; what
    its terms make of late usage of earlier months stands as it was posted then.
    """
    workspace = books.workspace
    entries = repository.entries_of_period(workspace, month)
    usage = [entry for entry in entries if entry.kind == EntryKind.USAGE]
    posts: list[LedgerEntry] = []
    for usage_period in sorted({month} | (set() if again else {entry.usage_period for entry in usage})):
        terms, own = terms_of(workspace, usage_period), entries
        if usage_period != month:
            own = repository.entries_of_usage_period(workspace, usage_period)
            given_up = _given_up(workspace, own)
            own = [one for one in own if one.period not in given_up]
            terms = terms.for_usage_alone if usage_period in given_up else terms
        # What goes on a later month's invoice is none of this one's, though one that was void is issued again after it.
        own = [one for one in own if one.usage_period == usage_period and one.period <= month]
        own = [one for one in own if one.kind in ledger.BILLABLE]
        posts += ledger.post_period(
            workspace_id=workspace,
            usage_period=usage_period,
            terms=terms,
            usage=[entry for entry in own if entry.kind == EntryKind.USAGE],
            posted=[entry for entry in own if entry.kind != EntryKind.USAGE],
            period=month,
            booked_at=books.as_of,
        )
    (profile,) = repository.read([repository.profile_path(workspace)])
    bill_to = Party.model_validate(profile.data) if profile.exists else _unnamed(books)
    locale = bill_to.locale or wording.default_locale(bill_to.country)
    found = invoicing.draft(
        workspace_id=workspace,
        period=month,
        entries=[*entries, *posts],
        terms=terms_of(workspace, month),
        agent_names=repository.agent_names(workspace, [entry.agent_id for entry in usage if entry.agent_id]),
        seller=Party.model_validate(settings().seller),
        bill_to=bill_to.model_copy(update={"locale": locale}),
        payment_terms=settings().payment_terms,
        as_of=books.as_of,
    )
    return (found if any(line.amount_nanos for line in found.lines) else None), posts


def _given_up(workspace: WorkspaceId, entries: Sequence[LedgerEntry]) -> set[str]:
    """The months whose invoice, with these entries on it, was void and is not issued again: nothing is asked for them.

    So late usage is neither worth less since their units had reached a lower price, nor covered by their minimum.
    """
    voided = sorted({one.invoice_id for one in entries if one.kind == EntryKind.VOID and one.invoice_id})
    found = repository.read([repository.invoice_path(workspace, name) for name in voided]) if voided else []
    invoices = [repository.invoice_of(one) for one in found]
    return {one.period for one in invoices if one.state == InvoiceState.VOID and one.after.replaced_by is None}


def _unnamed(books: Books) -> Party:
    """Who pays as long as nobody has said it: the workspace."""
    return Party(name=books.home.name, country=books.home.country)


def months(books: Books) -> None:
    """Draft each month that has ended and is closed to its last day; finalize in order what the grace period has left."""
    month = books.period
    while (end := Period(month=month).end) <= books.as_of and (books.last_closed or "") >= _last_day(month):
        invoice, posts = draft(books, month)
        due = books.as_of >= end + timedelta(hours=settings().grace_hours)
        if due and books.period == month:
            settle_month(books, month, invoice, posts)
        elif invoice is not None:
            _keep_draft(books, invoice)
        month = clock.next_month(month)


def _last_day(month: str) -> str:
    return Period(month=month).days[-1]


def settle_month(
    books: Books, month: str, invoice: Invoice | None, posts: Sequence[LedgerEntry], also: Also | None = None
) -> None:
    """End the month: with an invoice, or without a number when there is nothing to bill."""
    if invoice is not None:
        freeze(books, invoice, posts, also)
        finish(books.workspace, books.as_of)
    else:
        batch = firestore.Batch()
        batch.delete(repository.invoice_path(books.workspace, invoicing.invoice_id(books.workspace, month)))
        books.commit(batch, period=clock.next_month(month))


def _keep_draft(books: Books, invoice: Invoice) -> None:
    """Write the draft unless the stored one says the same but for its time."""
    (stored,) = repository.read([repository.invoice_path(books.workspace, invoice.invoice_id)])
    if stored.exists and stored.data["state"] != InvoiceState.DRAFT:
        raise Moved
    if stored.exists and repository.invoice_of(stored).model_copy(update={"as_of": invoice.as_of}) == invoice:
        return
    batch = firestore.Batch()
    batch.replace(stored.path, repository.invoice_document(invoice), if_etag=stored.etag)
    books.commit(batch)


def freeze(books: Books, invoice: Invoice, posts: Sequence[LedgerEntry], also: Also | None = None) -> None:
    """Freeze the lines and take the number in one transaction, state `finalizing`. Raises Moved.

    What depends on the whole period is posted with it, and the customer's credit is used.
    """
    workspace, as_of = books.workspace, books.as_of
    account_path, state_path = repository.account_path(workspace), repository.state_path(workspace)
    spend_path = metering.spend_path(workspace, as_of)
    path = repository.invoice_path(workspace, invoice.invoice_id)

    def work(transaction: firestore.Transaction) -> list[Event]:
        state, account, spend, stored = transaction.get_all([state_path, account_path, spend_path, path])
        if state.etag != books.etag or (stored.exists and stored.data["state"] != InvoiceState.DRAFT):
            raise Moved
        year, issued = str(as_of.year), dict(state.data.get("issued", {}))
        number = invoicing.number(books.home.code or invoicing.series_code(workspace), as_of, issued.get(year, 0))
        credit = int(account.data.get("credit_nanos", 0))
        frozen = invoicing.freeze(
            invoice,
            number=number,
            issued_at=as_of,
            due_at=as_of + timedelta(days=settings().payment_days),
            credit_minor=credit // minor_unit(invoice.currency),
        )
        told = post(transaction, workspace, posts, as_of)
        parts = add_credit(
            transaction,
            workspace,
            account,
            spend,
            -minor_to_nanos(frozen.credit_minor, invoice.currency),
            kind=GrantKind.INVOICE,
            source=invoice.invoice_id,
            at=as_of,
        )
        after = frozen.after.model_copy(update={"credit_parts": parts})
        transaction.set(path, repository.invoice_document(frozen.model_copy(update={"after": after})))
        # A reissue is of a month that is over already.
        following = max(books.period, clock.next_month(invoice.period))
        changes = {"issued": {**issued, year: issued.get(year, 0) + 1}, "period": following}
        transaction.set(state_path, {**state.data, **changes})
        if also is not None:
            also(transaction)
        return told

    tell(firestore.transact(work))
    fresh = Books.open(workspace, as_of)
    assert fresh is not None
    books.data, books.etag = fresh.data, fresh.etag


def finish(workspace: WorkspaceId, as_of: datetime) -> None:
    """Bring each invoice that is `finalizing` to its end: files in the archive, then open, booked and told."""
    for found in repository.invoices_in(workspace, InvoiceState.FINALIZING):
        frozen = repository.invoice_of(found)
        archive(frozen)
        evidence.keep(workspace, frozen)
        _open(workspace, frozen, found.etag, as_of)


def archive_name(invoice: Invoice, ending: str) -> str:
    """Where in the archive bucket an invoice's file is."""
    return f"invoices/{invoice.workspace_id}/{invoice.invoice_id}.{ending}"


def archive(frozen: Invoice) -> None:
    """Write both files, each once: what is there already stays as it is."""
    from functions.billing import pdf  # Slow to import, and only a close prints.

    bucket = settings().archive_bucket
    plain = frozen.model_copy(update={"paid_minor": 0, "state": InvoiceState.FINALIZING})
    storage.write_once(bucket, archive_name(frozen, "json"), plain.frozen_bytes(), content_type=JSON)
    storage.write_once(
        bucket, archive_name(frozen, "pdf"), pdf.render(plain, evidence.reference(plain)), content_type=PDF
    )


def _open(workspace: WorkspaceId, frozen: Invoice, etag: str, as_of: datetime) -> None:
    assert frozen.issued_at is not None
    opened = invoicing.settle(invoicing.move(frozen, InvoiceState.OPEN), 0, frozen.issued_at)
    told = [Event(workspace, "invoice-recorded", row["line_id"], row) for row in frozen.to_rows()]
    entries = ledger.finalize(frozen, frozen.issued_at)
    room = firestore.MAX_WRITES - 2 - 2 * len(entries)
    while len(told) > room:
        # More lines than fit into one commit: the first of them are told before the invoice is open.
        _record_missing(workspace, told[:room], as_of)
        tell(told[:room])
        told = told[room:]
    batch = firestore.Batch()
    batch.replace(
        repository.invoice_path(workspace, frozen.invoice_id), repository.invoice_document(opened), if_etag=etag
    )
    for event in told:
        events.record(batch, event, now=as_of)
    told += post(batch, workspace, entries, as_of)
    told.append(_announce(batch, workspace, opened, as_of))
    batch.commit()
    tell(told)


def _announce(batch: firestore.Batch, workspace: WorkspaceId, opened: Invoice, as_of: datetime) -> Event:
    assert opened.due_at is not None
    facts: notifications.Facts = {
        "invoice_number": opened.number,
        "period": opened.period,
        "amount": Money.of_minor(opened.total_minor, opened.currency).amount,
        "due": Money.of_minor(opened.due_minor, opened.currency).amount,
        "currency": opened.currency,
        "due_at": clock.to_text(opened.due_at),
    }
    return notifications.record(batch, workspace, "invoice.issued", subject=opened.invoice_id, facts=facts, now=as_of)


def _record_missing(workspace: WorkspaceId, told: Sequence[Event], as_of: datetime) -> None:
    stored = repository.read([contracts.path(workspace, "events", event.id) for event in told])
    batch = firestore.Batch()
    for event, found in zip(told, stored, strict=True):
        if not found.exists:
            events.record(batch, event, now=as_of)
    batch.commit()


def finalize_by_hand(workspace: WorkspaceId, invoice_id: str, as_of: datetime, also: Also) -> None:
    """The operator does not wait for the grace period. Raises NotFound, Conflict with the reason; a repeat is nothing."""
    (found,) = repository.read([repository.invoice_path(workspace, invoice_id)])
    books = Books.open(workspace, as_of)
    if not found.exists or books is None:
        raise NotFound("There is no such invoice.")
    month = str(found.data["period"])
    if found.data["state"] == InvoiceState.DRAFT:
        if books.period != month or (books.last_closed or "") < _last_day(month):
            raise Conflict("Earlier days or months are not closed yet.", code="not_closed")
        credits.expire(books)
        invoice, posts = draft(books, month)
        try:
            settle_month(books, month, invoice, posts, also)
        except Moved as error:
            raise Conflict("The books are being closed at this moment. Try again.", code="closing") from error
        return
    finish(workspace, as_of)
