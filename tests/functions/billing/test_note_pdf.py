"""A printed credit note is the same whenever it is rendered, and has its number, its invoice and its sums."""

import io

import pytest
from pypdf import PdfReader

from functions.billing import note_pdf, notes
from functions.billing.notes import Wanted
from functions.billing.wording import languages
from tests.functions.billing.making import FINAL, close, draft, event, freeze, post, terms


def printed(data: bytes) -> str:
    return "".join(page.extract_text() for page in PdfReader(io.BytesIO(data)).pages).replace("\u00a0", " ")


def test_a_credit_note_says_what_it_credits_and_is_the_same_bytes_again() -> None:
    plan = terms(tax_rate="0.19")
    entries = close([event(charge_nanos=10_000_000_000)], "2026-12-01")
    invoice = freeze(draft(plan, entries)).model_copy(update={"state": "open"})
    wanted = [Wanted(line_id=invoice.lines[0].line_id, amount_minor=300, reason="Double")]
    note, after = notes.issue(invoice, wanted, note_id="crn_1", number="ABC-CN-2027-0001", issued_at=FINAL)
    data = note_pdf.render(note, invoice)
    assert note_pdf.render(note, after) == data
    text = printed(data)
    for words in ("Credit note", "ABC-CN-2027-0001", "ABC-2027-0001", "Double", "3.00", "0.57", "USD 3.57"):
        assert words in text


def test_it_speaks_the_customers_language() -> None:
    plan = terms(monthly_fee="1000", tax_rate="0.19")
    entries = close([event(charge_nanos=10_000_000_000)], "2026-12-01")
    made = freeze(draft(plan, entries + post(plan, entries))).model_copy(update={"state": "open"})
    invoice = made.model_copy(update={"bill_to": made.bill_to.model_copy(update={"locale": "de-DE"})})
    wanted = [Wanted(line_id=line.line_id, amount_minor=None, reason="Doppelt") for line in invoice.lines[:2]]
    note, _ = notes.issue(invoice, wanted, note_id="crn_1", number="ABC-CN-2027-0001", issued_at=FINAL)
    text = printed(note_pdf.render(note, invoice))
    for words in ("Rechnungskorrektur", "2. Januar 2027", "Plan P, Monatspreis: Doppelt", "1.000,00", "USD 1.201,90"):
        assert words in text
    assert "Credit note" not in text


@pytest.mark.parametrize("locale", sorted(languages()))
def test_it_is_printed_whole_in_every_language(locale: str, caplog: pytest.LogCaptureFixture) -> None:
    entries = close([event(charge_nanos=10_000_000_000)], "2026-12-01")
    made = freeze(draft(terms(reverse_charge=True), entries)).model_copy(update={"state": "paid"})
    invoice = made.model_copy(update={"bill_to": made.bill_to.model_copy(update={"locale": locale})})
    wanted = [Wanted(line_id=invoice.lines[0].line_id, amount_minor=300, reason="x")]
    note, _ = notes.issue(invoice, wanted, note_id="crn_1", number="ABC-CN-2027-0001", issued_at=FINAL)
    assert "\ufffd" not in printed(note_pdf.render(note, invoice))
    assert caplog.records == []
