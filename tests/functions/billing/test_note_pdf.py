"""A printed credit note is the same whenever it is rendered, and has its number, its invoice and its sums."""

import io

from pypdf import PdfReader

from functions.billing import note_pdf, notes
from functions.billing.notes import Wanted
from tests.functions.billing.making import FINAL, close, draft, event, freeze, terms


def test_a_credit_note_says_what_it_credits_and_is_the_same_bytes_again() -> None:
    plan = terms(tax_rate="0.19")
    entries = close([event(charge_nanos=10_000_000_000)], "2026-12-01")
    invoice = freeze(draft(plan, entries)).model_copy(update={"state": "open"})
    wanted = [Wanted(line_id=invoice.lines[0].line_id, amount_minor=300, reason="Double")]
    note, after = notes.issue(invoice, wanted, note_id="crn_1", number="ABC-CN-2027-0001", issued_at=FINAL)
    data = note_pdf.render(note, invoice)
    assert note_pdf.render(note, after) == data
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(data)).pages)
    for words in ("Credit note", "ABC-CN-2027-0001", "ABC-2027-0001", "Double", "3.00", "0.57", "USD 3.57"):
        assert words in text
