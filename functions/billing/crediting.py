"""Credit notes as they are issued and read: numbered and booked in one transaction, filed, then issued.

As with invoices, each step finds what the one before left: a repeat of the call goes on where it stopped, and so does
the daily close.
"""

from functions.billing import adjustments, credits, invoicing, notes, repository
from functions.billing import credit_api_models as api
from functions.billing.accounts import invalid
from functions.billing.auditing import audit
from functions.billing.books import post, tell
from functions.billing.finalizing import JSON, PDF
from functions.billing.grants import GrantKind
from functions.billing.models import Invoice, InvoiceState
from functions.billing.notes import CreditNote, NoteRefused, Wanted
from functions.shared import contracts, events, firestore, metering, storage
from functions.shared.config import settings
from functions.shared.errors import Conflict, NotFound
from functions.shared.events import Event
from functions.shared.http import Bytes, Call, Items
from functions.shared.identity import WorkspaceId
from functions.shared.money import Money, MoneyError

CREDITABLE = (InvoiceState.OPEN, InvoiceState.OVERDUE, InvoiceState.PAID)


def issue(call: Call, workspace: WorkspaceId, invoice_id: str, new: api.NewCreditNote) -> tuple[api.CreditNote, str]:
    """Issue a credit note, once for an Idempotency-Key; the note as it is filed, and its etag. Raises NotFound, Invalid,
    Conflict (`invoice_state`)."""
    note_id = f"crn_{call.idempotency_id}"
    paths = [
        repository.note_path(workspace, note_id),
        repository.invoice_path(workspace, invoice_id),
        repository.account_path(workspace),
        metering.spend_path(workspace, call.now),
        repository.state_path(workspace),
        contracts.workspace_path(workspace),
    ]

    def work(transaction: firestore.Transaction) -> list[Event]:
        known, found, account, spend, state, home = transaction.get_all(paths)
        if known.exists:
            _check_same(note_of(known), invoice_id)
            return []
        invoice = _creditable(found)
        year, issued = str(call.now.year), dict(state.data.get("issued_notes", {}))
        code = home.data.get("code") or invoicing.series_code(workspace)
        number = notes.number(code, call.now, issued.get(year, 0))
        try:
            note, credited = notes.issue(
                invoice, _wanted(new, invoice), note_id=note_id, number=number, issued_at=call.now
            )
        except NoteRefused as error:
            raise invalid("/lines" if error.position is None else f"/lines/{error.position}", str(error)) from error
        own, gifts, credited = notes.given_back(credited, note)
        settled = invoicing.settle(credited, credited.paid_minor, call.now)
        rest = note.total_minor - note.on_due_minor
        transaction.create(known.path, note.model_dump())
        transaction.set(found.path, repository.invoice_document(settled))
        transaction.set(state.path, {**state.data, "issued_notes": {**issued, year: issued.get(year, 0) + 1}})
        wallet = credits.wallet_of(account, call.now)
        if own:
            wallet = wallet.add(credits.made(workspace, own, GrantKind.CREDIT_NOTE, note_id, call.now))
        wallet = credits.given_back(wallet, workspace, gifts, note_id, call.now)
        credits.keep(transaction, workspace, account, spend, wallet)
        entries = adjustments.noted(invoice, note_id, note.net_minor, note.tax_minor, rest, call.now)
        told = post(transaction, workspace, entries, call.now)
        for row in note.to_rows():
            event = Event(workspace, "invoice-recorded", row["line_id"], row)
            events.record(transaction, event, now=call.now)
            told.append(event)
        after = {
            "credit_note_id": note_id,
            "number": number,
            "total": Money.of_minor(note.total_minor, note.currency).amount,
            "state": settled.state.value,
            "due_minor": settled.due_minor,
        }
        audit(transaction, call, workspace, "invoice.credited", invoice, after)
        return told

    tell(firestore.transact(work))
    finish(workspace)
    (filed,) = repository.read(paths[:1])
    return shown(note_of(filed)), filed.etag


def note_of(found: firestore.Snapshot) -> CreditNote:
    """The credit note in a document."""
    return CreditNote.model_validate(found.data)


def _check_same(known: CreditNote, invoice_id: str) -> None:
    if known.invoice_id != invoice_id:
        raise Conflict("This Idempotency-Key credited another invoice.", code="idempotency_conflict")


def _creditable(found: firestore.Snapshot) -> Invoice:
    if not found.exists:
        raise NotFound("There is no such invoice.")
    invoice = repository.invoice_of(found)
    if invoice.state not in CREDITABLE or found.data.get("voiding"):
        raise Conflict(f"An invoice that is {invoice.state} cannot be credited.", code="invoice_state")
    return invoice


def _wanted(new: api.NewCreditNote, invoice: Invoice) -> list[Wanted]:
    wanted = []
    for position, line in enumerate(new.lines):
        pointer = f"/lines/{position}/amount"
        if line.amount is not None and line.amount.currency != invoice.currency:
            raise invalid(f"{pointer}/currency", f"The invoice is in {invoice.currency}.")
        try:
            minor = None if line.amount is None else line.amount.minor
        except MoneyError as error:
            raise invalid(f"{pointer}/amount", str(error)) from error
        wanted.append(Wanted(line_id=line.line_id, amount_minor=minor, reason=line.reason))
    return wanted


def finish(workspace: WorkspaceId) -> None:
    """File what is numbered and not filed: both files, each once, then the note is issued. Again, nothing is left."""
    from functions.billing import note_pdf  # Slow to import, and only a note prints.

    for found in repository.notes_unfiled(workspace):
        note = note_of(found)
        (stored,) = repository.read([repository.invoice_path(workspace, note.invoice_id)])
        bucket = settings().archive_bucket
        storage.write_once(bucket, archive_name(note, "json"), note.frozen_bytes(), content_type=JSON)
        printed = note_pdf.render(note, repository.invoice_of(stored))
        storage.write_once(bucket, archive_name(note, "pdf"), printed, content_type=PDF)
        batch = firestore.Batch()
        batch.update(found.path, {("state",): "issued"})
        batch.commit()


def archive_name(note: CreditNote, ending: str) -> str:
    """Where in the archive bucket a credit note's file is."""
    return f"credit-notes/{note.workspace_id}/{note.note_id}.{ending}"


def of_invoice(call: Call, invoice_id: str) -> Items[api.CreditNote]:
    """The credit notes of an invoice, the oldest first. Raises NotFound without such an invoice."""
    (invoice,) = repository.read([repository.invoice_path(call.workspace, invoice_id)])
    if not invoice.exists:
        raise NotFound("There is no such invoice.")
    return Items(items=[shown(note_of(one)) for one in repository.notes_of(call.workspace, invoice_id)])


def one(call: Call, note_id: str) -> tuple[api.CreditNote, str]:
    """A credit note and its etag. Raises NotFound."""
    found = _find(call, note_id)
    return shown(note_of(found)), found.etag


def _find(call: Call, note_id: str) -> firestore.Snapshot:
    (found,) = repository.read([repository.note_path(call.workspace, note_id)])
    if not found.exists:
        raise NotFound("There is no such credit note.")
    return found


def printed(call: Call, note_id: str) -> Bytes:
    """The PDF that was filed. Raises NotFound, Conflict while it is being filed."""
    note = note_of(_find(call, note_id))
    content = storage.read(settings().archive_bucket, archive_name(note, "pdf"))
    if content is None:
        raise Conflict("The credit note is being filed at this moment. Try again.", code="finalizing")
    name = f'attachment; filename="{note.number}.pdf"'
    return Bytes(content, PDF, headers={"Content-Disposition": name})


def shown(note: CreditNote) -> api.CreditNote:
    """A credit note as it is shown."""

    def money(minor: int) -> Money:
        return Money.of_minor(minor, note.currency)

    return api.CreditNote(
        id=note.note_id,
        number=note.number,
        invoice_id=note.invoice_id,
        invoice_number=note.invoice_number,
        state=note.state,
        issued_at=note.issued_at,
        lines=[
            api.NoteLine(
                id=line.note_line_id,
                line_id=line.line_id,
                description=line.description,
                reason=line.reason,
                amount=money(line.amount_minor),
                tax=money(line.tax_minor),
            )
            for line in note.lines
        ],
        net=money(note.net_minor),
        tax=money(note.tax_minor),
        total=money(note.total_minor),
        on_due=money(note.on_due_minor),
        to_credit=money(note.total_minor - note.on_due_minor),
    )
