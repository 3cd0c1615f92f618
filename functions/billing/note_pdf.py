"""A credit note on paper, on the same sheet as the invoice that it belongs to; the same bytes whenever it is rendered."""

from functions.billing.models import Invoice
from functions.billing.notes import CreditNote
from functions.billing.pdf import Page
from functions.shared.digests import rfc3339
from functions.shared.money import format_minor


def render(note: CreditNote, invoice: Invoice) -> bytes:
    """The PDF of a credit note; of the invoice only what was frozen is printed."""
    sheet = invoice.model_copy(update={"number": note.number, "issued_at": note.issued_at, "bill_to": note.bill_to})
    page = Page(sheet)
    page.set_title(page.safe(f"Credit note {note.number}"))
    page.add_page()
    top = page.get_y()
    page.party(note.seller, None)
    left_end = page.get_y()
    page.set_y(top)
    page.write_line("Credit note", bold=True, size=16, height=8, align="R")
    for label, value in (
        ("Number", note.number),
        ("Issued", rfc3339(note.issued_at)[:10]),
        ("Invoice", note.invoice_number),
    ):
        page.write_line(f"{label}  {value}", align="R")
    page.set_y(max(left_end, page.get_y()) + 8)
    page.party(note.bill_to, "For")
    page.set_y(page.get_y() + 8)

    def money(minor: int) -> str:
        return format_minor(minor, note.currency)

    rows = [
        (f"{line.description}: {line.reason}", money(line.amount_minor), money(line.tax_minor)) for line in note.lines
    ]
    table = [(what, "", tax, amount) for what, amount, tax in rows]
    page.table(("What is credited", "", "Tax", f"Amount ({note.currency})"), table)
    totals = [("Net", money(note.net_minor)), ("Tax", money(note.tax_minor))]
    if note.reverse_charge:
        totals.append(("Reverse charge: the recipient owes the tax", money(0)))
    if note.on_due_minor:
        totals.append(("Taken off what is due", money(note.on_due_minor)))
    if note.total_minor - note.on_due_minor:
        totals.append(("Kept as credit", money(note.total_minor - note.on_due_minor)))
    totals.append(("Total credited", f"{note.currency} {money(note.total_minor)}"))
    page.totals(totals)
    return page.bytes()
