"""Invoices that are taken back: everything they booked is reversed, and their period may be drafted again.

What was paid becomes credit, what credit had paid is credit again, of its kind and with its expiry. A reissue is a
draft of the same period under a new id; finalizing it brings the usage back with entries that name what they bring
back (adjustments.reissued), and takes the next number. More entries than one commit takes are booked in several.
"""

from datetime import datetime, timedelta

from functions.billing import adjustments, credits, finalizing, invoicing, ledger, repository
from functions.billing.auditing import audit, audit_finished
from functions.billing.books import Books, post, tell
from functions.billing.grants import CreditShort, GrantKind, Wallet
from functions.billing.models import EntryKind, Invoice, InvoiceState, LedgerEntry
from functions.shared import firestore, logs, metering
from functions.shared.config import settings
from functions.shared.errors import Conflict, NotFound
from functions.shared.events import Event
from functions.shared.http import Call
from functions.shared.identity import WorkspaceId

PER_COMMIT = (firestore.MAX_WRITES - 10) // 2
"""Entries in one commit: each is a document and its event."""


def void(call: Call, workspace: WorkspaceId, invoice_id: str, *, reissue: bool = False) -> None:
    """Take an invoice back, and with `reissue` draft its period again; a repeat goes on where it stopped.

    Until the last entry is booked, the invoice is marked and takes no payment; what stops half way and is not asked for
    again, the close brings to an end (`finish`). A void invoice may still be reissued,
    once. Raises NotFound, Conflict (`invoice_state`, `invoice_credited`, `credit_used`, `terms_changed`).
    """
    path = repository.invoice_path(workspace, invoice_id)
    (found,) = repository.read([path])
    if not found.exists:
        raise NotFound("There is no such invoice.")
    invoice = repository.invoice_of(found)
    if invoice.state == InvoiceState.VOID:
        if reissue and invoice.after.replaced_by is None:
            _reissue_void(call, workspace, invoice, found.etag)
        return
    try:
        voided = invoicing.move(invoice, InvoiceState.VOID)
    except invoicing.TransitionRefused as error:
        raise Conflict(str(error), code=error.code) from error
    if invoice.after.credited:
        raise Conflict("Part of it was credited: credit the rest instead.", code="invoice_credited")
    draft = _draft_again(call, workspace, invoice) if reissue else None
    if draft is not None:
        after = voided.after.model_copy(update={"replaced_by": draft.invoice_id})
        voided = voided.model_copy(update={"after": after})
    etag = found.etag
    if not found.data.get("voiding"):
        # What can be seen to be refused is refused before the invoice is marked.
        (account,) = repository.read([repository.account_path(workspace)])
        credit = ledger.credit(_reversed(workspace, invoice, call.now))
        _given_back(credits.wallet_of(account, call.now), workspace, invoice, credit, call.now)
        # From here on nobody pays it, so what is reversed is all there is.
        etag = _mark(path, etag)

    taken = 0 if draft is None else _taken_by(workspace, draft)

    def also(batch: firestore.Batch) -> None:
        audit(batch, call, workspace, "invoice.voided", invoice, {"state": voided.state.value})
        if draft is not None:
            _keep_draft(batch, call, workspace, invoice, draft)

    try:
        _take_back(workspace, invoice, voided, etag, call.now, also, taken)
    except Conflict:
        # Somebody else has used the credit, or is at it, too. What is booked already the close finishes.
        if not _begun(workspace, invoice_id):
            _release(path, etag)
        raise


def finish(books: Books) -> None:
    """Bring each void that stopped half way to an end, and alarm: what it has booked is finished, else the invoice is as
    it was before. A period that was to be drafted again is not: the operator may ask for that afterwards."""
    for found in repository.invoices_being_voided(books.workspace):
        invoice = repository.invoice_of(found)
        outcome = "the invoice is as it was"
        if not _begun(books.workspace, invoice.invoice_id):
            _release(found.path, found.etag)
        else:
            outcome = "finished"
            voided = invoicing.move(invoice, InvoiceState.VOID)

            def also(batch: firestore.Batch, invoice: Invoice = invoice, voided: Invoice = voided) -> None:
                audit_finished(batch, books.workspace, invoice, {"state": voided.state.value}, books.as_of)

            try:
                _take_back(books.workspace, invoice, voided, found.etag, books.as_of, also)
            except Conflict as error:
                outcome = error.code
        logs.alarm("a void had stopped half way", workspace_id=books.workspace, of=invoice.invoice_id, outcome=outcome)


def _mark(path: str, etag: str) -> str:
    batch = firestore.Batch()
    batch.update(path, {("voiding",): True}, if_etag=etag)
    return batch.commit()[path]


def _release(path: str, etag: str) -> None:
    """Take the mark away, unless somebody has gone on meanwhile."""
    batch = firestore.Batch()
    batch.update(path, {("voiding",): firestore.DELETE}, if_etag=etag)
    try:
        batch.commit()
    except firestore.Changed:
        return


def _begun(workspace: WorkspaceId, invoice_id: str) -> bool:
    """Whether an entry of its void is booked."""
    return any(one.kind == EntryKind.VOID for one in repository.entries_of_invoice(workspace, invoice_id))


def _take_back(
    workspace: WorkspaceId,
    invoice: Invoice,
    voided: Invoice,
    etag: str,
    now: datetime,
    also: finalizing.Also,
    taken: int = 0,
) -> None:
    """Reverse what a marked invoice has booked, as far as it is not done, and give back what was paid. Raises Conflict.

    `taken` nanos of that credit make no room: the draft that `also` keeps takes them again.
    """
    path = repository.invoice_path(workspace, invoice.invoice_id)
    reversed_entries = _reversed(workspace, invoice, now)
    booked = repository.entries_of_invoice(workspace, invoice.invoice_id)
    done = {one.entry_id for one in booked if one.kind == EntryKind.VOID}
    left = [one for one in reversed_entries if one.entry_id not in done]
    while len(left) > PER_COMMIT:
        batch = firestore.Batch()
        told = post(batch, workspace, left[:PER_COMMIT], now)
        batch.update(path, {("voiding",): True}, if_etag=etag)
        etag = batch.commit()[path]
        tell(told)
        left = left[PER_COMMIT:]
    credit = ledger.credit(reversed_entries)

    def work(transaction: firestore.Transaction) -> list[Event]:
        stored, account, spend = transaction.get_all(
            [path, repository.account_path(workspace), metering.spend_path(workspace, now)]
        )
        if stored.etag != etag:
            raise Conflict("The invoice was changed at this moment. Try again.", code="invoice_state")
        wallet = _given_back(credits.wallet_of(account, now), workspace, invoice, credit, now)
        transaction.set(path, repository.invoice_document(voided))
        told = post(transaction, workspace, left, now)
        credits.keep(transaction, workspace, account, spend, wallet, apart_nanos=taken)
        also(transaction)
        return told

    tell(firestore.transact(work))


def _reversed(workspace: WorkspaceId, invoice: Invoice, now: datetime) -> list[LedgerEntry]:
    entries = {
        entry.entry_id: entry
        for entry in (
            *repository.entries_of_invoice(workspace, invoice.invoice_id),
            *repository.entries_of_period(workspace, invoice.period),
        )
    }
    return ledger.void(invoice, [entries[entry_id] for entry_id in sorted(entries)], now)


def _given_back(wallet: Wallet, workspace: WorkspaceId, invoice: Invoice, credit: int, now: datetime) -> Wallet:
    """The wallet with what the void invoice gives back in all; what credit had paid is of its own kind again."""
    parts = invoice.after.credit_parts
    wallet = credits.given_back(wallet, workspace, parts, invoice.invoice_id, now)
    rest = credit - sum(part.nanos for part in parts)
    if rest > 0:
        return wallet.add(credits.made(workspace, rest, GrantKind.RETURNED, invoice.invoice_id, now))
    try:
        return wallet.burn(-rest)[0]
    except CreditShort as error:
        raise Conflict("The credit that this invoice had made is used up.", code="credit_used") from error


def _draft_again(call: Call, workspace: WorkspaceId, invoice: Invoice) -> Invoice:
    books = Books.open(workspace, call.now)
    if books is None:
        raise NotFound("There is no such invoice.")
    return redraft(books, invoice)[0]


def _keep_draft(batch: firestore.Batch, call: Call, workspace: WorkspaceId, invoice: Invoice, draft: Invoice) -> None:
    batch.create(repository.invoice_path(workspace, draft.invoice_id), repository.invoice_document(draft))
    audit(batch, call, workspace, "invoice.reissued", draft, {"replaces": invoice.invoice_id})


def _reissue_void(call: Call, workspace: WorkspaceId, invoice: Invoice, etag: str) -> None:
    draft = _draft_again(call, workspace, invoice)
    taken = _taken_by(workspace, draft)
    after = invoice.after.model_copy(update={"replaced_by": draft.invoice_id})
    document = repository.invoice_document(invoice.model_copy(update={"after": after}))
    paths = [
        repository.invoice_path(workspace, invoice.invoice_id),
        repository.account_path(workspace),
        metering.spend_path(workspace, call.now),
    ]

    def work(transaction: firestore.Transaction) -> None:
        stored, account, spend = transaction.get_all(paths)
        if stored.etag != etag:
            raise Conflict("The invoice was changed at this moment. Try again.", code="invoice_state")
        transaction.set(stored.path, document)
        wallet = credits.wallet_of(account, call.now)
        credits.keep(transaction, workspace, account, spend, wallet, apart_nanos=taken)
        _keep_draft(transaction, call, workspace, invoice, draft)

    try:
        firestore.transact(work)
    except (firestore.Changed, firestore.AlreadyExists) as error:
        raise Conflict("The invoice was changed at this moment. Try again.", code="invoice_state") from error


def _taken_by(workspace: WorkspaceId, draft: Invoice) -> int:
    """What a draft takes of the credit at most: no turn may count on it from the commit on that keeps the draft."""
    return metering.invoiced_at_most(draft.net_minor, finalizing.terms_of(workspace, draft.period), draft.period)


def redraft(books: Books, voided: Invoice) -> tuple[Invoice, list[LedgerEntry]]:
    """A void invoice's period as it is billed now, and the entries that bring its usage back.

    Raises Conflict when the plan's terms have changed since: then the period would not come to the same amounts.
    """
    drafted, posts = finalizing.draft(books, voided.period, again=True)
    if drafted is None or posts:
        raise Conflict("The terms of this period are not what they were.", code="terms_changed")
    again = invoicing.in_place_of(drafted, voided)
    return again, adjustments.reissued(again, [line.line_id for line in drafted.lines], books.as_of)


def finalize_again(books: Books, stored: Invoice, also: finalizing.Also | None = None) -> None:
    """Finalize the draft of a reissue: its usage is booked again, it takes the next number. Raises Moved, Conflict."""
    workspace = books.workspace
    (found,) = repository.read([repository.invoice_path(workspace, stored.after.replaces or "")])
    draft, entries = redraft(books, repository.invoice_of(found))
    done = {entry.entry_id for entry in repository.entries_of_invoice(workspace, draft.invoice_id)}
    left = [entry for entry in entries if entry.entry_id not in done]
    while len(left) > PER_COMMIT:
        batch = firestore.Batch()
        told = post(batch, workspace, left[:PER_COMMIT], books.as_of)
        books.commit(batch)
        tell(told)
        left = left[PER_COMMIT:]
    finalizing.freeze(books, draft, left, also)
    finalizing.finish(workspace, books.as_of)


def finish_reissues(books: Books) -> None:
    """Finalize the drafts of reissues once their grace period is over. Raises what `finalize_again` raises."""
    grace = timedelta(hours=settings().grace_hours)
    for found in repository.invoices_in(books.workspace, InvoiceState.DRAFT):
        stored = repository.invoice_of(found)
        if stored.after.replaces is not None and stored.as_of + grace <= books.as_of:
            finalize_again(books, stored)


def finalize_by_hand(workspace: WorkspaceId, invoice_id: str, as_of: datetime, also: finalizing.Also) -> None:
    """The operator does not wait for the grace period, of a month or of a reissue. Raises NotFound, Conflict."""
    (found,) = repository.read([repository.invoice_path(workspace, invoice_id)])
    books = Books.open(workspace, as_of)
    stored = repository.invoice_of(found) if found.exists else None
    if books is None or stored is None or stored.state != InvoiceState.DRAFT or stored.after.replaces is None:
        finalizing.finalize_by_hand(workspace, invoice_id, as_of, also)
    else:
        credits.expire(books)
        try:
            finalize_again(books, stored, also)
        except finalizing.Moved as error:
            raise Conflict("The books are being closed at this moment. Try again.", code="closing") from error
    after = Books.open(workspace, as_of)
    if after is not None:
        # What was held for this invoice and is more than it took: it makes no room once nothing is set apart for it.
        credits.expire(after)
    metering.set_apart(workspace, as_of)
