"""A credit note on paper, on the same sheet and in the same language as the invoice that it belongs to; the same bytes
whenever it is rendered."""

from functions.billing import pdf
from functions.billing.models import Invoice
from functions.billing.notes import CreditNote
from functions.billing.pdf import Page


def render(note: CreditNote, invoice: Invoice) -> bytes:
    """The PDF of a credit note; of the invoice only what was frozen is printed."""
    sheet = invoice.model_copy(update={"number": note.number, "issued_at": note.issued_at, "bill_to": note.bill_to})
    page = Page(sheet)
    wording, say = page.wording, page.wording.say
    page.set_title(page.safe(f"{say('credit_note')} {note.number}"))
    page.add_page()
    top = page.get_y()
    page.party(note.seller, None)
    left_end = page.get_y()
    page.set_xy(pdf.RIGHT, top)
    page.write_line(say("credit_note"), bold=True, size=20, height=10, align="R")
    page.write_pair(say("number"), note.number)
    page.write_pair(say("issued"), wording.date(note.issued_at))
    page.write_pair(say("invoice"), note.invoice_number)
    page.set_xy(pdf.MARGIN, max(left_end, page.get_y()) + 8)
    page.party(note.bill_to, say("credit_to"))
    page.set_y(page.get_y() + 8)

    def amount(minor: int) -> str:
        return wording.minor(minor, note.currency)

    own = {line.line_id: line for line in invoice.lines}
    rows = [
        (
            f"{pdf.said(wording, invoice, own[line.line_id])}: {line.reason}",
            "",
            amount(line.tax_minor),
            amount(line.amount_minor),
        )
        for line in note.lines
    ]
    page.table((say("credited"), "", say("tax_share"), say("amount", currency=note.currency)), rows)
    totals = [(say("net"), amount(note.net_minor)), (say("tax_share"), amount(note.tax_minor))]
    if note.reverse_charge:
        totals.append((say("reverse_charge"), amount(0)))
    if note.on_due_minor:
        totals.append((say("off_due"), amount(note.on_due_minor)))
    if note.total_minor - note.on_due_minor:
        totals.append((say("as_credit"), amount(note.total_minor - note.on_due_minor)))
    totals.append((say("total_credited"), pdf.money(wording, sheet, note.total_minor)))
    page.totals(totals)
    return page.bytes()
