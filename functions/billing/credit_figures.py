"""The figures of what a customer is given: credit notes against ledger and warehouse, the credit of an account against
its grants, the running period and the ledger."""

from functions.billing import credits, ledger, repository, warehouse
from functions.billing.books import Books
from functions.billing.day_figures import Differing
from functions.billing.models import Account, EntryKind, LedgerEntry
from functions.billing.notes import CreditNote
from functions.shared import metering
from functions.shared.money import minor_to_nanos

CREDIT = "credit"
"""What the account's credit is called on the list of what differs."""

_OF_NOTES = (EntryKind.CREDIT_NOTE, EntryKind.CREDIT_NOTE_TAX)


def noted(entries: list[LedgerEntry]) -> set[str]:
    """The ids of the credit notes that these entries book."""
    return {entry.payment_id for entry in entries if entry.kind in _OF_NOTES and entry.payment_id}


def compare_note(books: Books, note: CreditNote, held: warehouse.Held | None) -> Differing:
    """A note against what it took off receivables, and against the warehouse's copy of its lines."""
    differing: Differing = {}
    entries = repository.entries_of_invoice(books.workspace, note.invoice_id)
    own = [one for one in entries if one.payment_id == note.note_id and one.kind in _OF_NOTES]
    taken = -sum(one.on(Account.RECEIVABLE) for one in own)
    stated = minor_to_nanos(note.total_minor, note.currency)
    if taken != stated:
        differing["ledger"] = taken - stated
    if held is None:
        differing["warehouse"] = None
    else:
        wanted = warehouse.added(warehouse.LINE_SUMS, [*note.to_rows()])
        stored = held.line.get(note.note_id, dict.fromkeys(warehouse.LINE_SUMS, 0))
        if stored != wanted:
            differing["warehouse"] = stored["amount_nanos"] - wanted["amount_nanos"]
    return differing


def compare_account(books: Books, recent: list[LedgerEntry], *, listed: bool) -> Differing:
    """The account's credit against its grants and the running period; against the ledger when credit moved lately.

    The ledger's side is every movement there ever was: it is only read when some entry of the last days moved credit, or
    when it differed before; otherwise this takes two reads. Credit that moves while it is read is compared on the next day.
    """
    paths = [repository.account_path(books.workspace), metering.spend_path(books.workspace, books.as_of)]
    account, spend = repository.read(paths)
    if not account.exists:
        return {}
    stated = int(account.data.get("credit_nanos", 0))
    differing: Differing = {}
    if (found := credits.wallet_of(account, books.as_of).balance) != stated:
        differing["grants"] = found - stated
    if spend.exists and (found := int(spend.data.get("credit_nanos", 0))) != stated:
        differing["spend"] = found - stated
    if listed or any(one.on(Account.CUSTOMER_CREDIT) for one in recent):
        booked = ledger.credit(repository.entries_of_credit(books.workspace))
        if booked != stated:
            differing["ledger"] = booked - stated
    moved = differing and [one.etag for one in repository.read(paths)] != [account.etag, spend.etag]
    return dict.fromkeys(differing) if moved else differing
