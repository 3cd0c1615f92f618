"""The printed invoice says what the invoice says, in any script, with the same bytes each time."""

import hashlib
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont
from pypdf import PdfReader

from functions.billing import pdf
from functions.billing.models import Invoice, LineKind
from functions.billing.wording import Wording, languages
from functions.shared.tax import EXPORT, OUTSIDE_EU, REVERSED, REVERSED_IN_EU
from tests.functions.billing.making import DAYS, PACKAGES, TIERED, close, draft, event, freeze, post, terms

ROOT = Path(__file__).parents[3]
FONTS = ROOT.joinpath("functions/billing/fonts")


def invoice(agents: int = 2, **fields: object) -> Invoice:
    plan = terms(monthly_fee="19", included="5", tax_rate="0.19", discount="0.1")
    found = [event(event_id=f"e{n}", agent_id=f"agt_{n}", charge_nanos=1_234_567_890) for n in range(agents)]
    entries = close(found, DAYS[0])
    return freeze(draft(plan, entries + post(plan, entries))).model_copy(update=fields)


def page_count(data: bytes) -> int:
    return data.count(b"/Type /Page\n")


def test_the_same_invoice_has_the_same_bytes() -> None:
    assert pdf.render(invoice()) == pdf.render(invoice())


def test_another_process_with_another_hash_seed_and_clock_writes_the_same_bytes() -> None:
    code = (
        "import hashlib; from functions.billing import pdf; from tests.functions.billing.test_pdf import invoice;"
        "print(hashlib.sha256(pdf.render(invoice())).hexdigest())"
    )
    environment = os.environ | {"PYTHONHASHSEED": "7", "TZ": "Pacific/Auckland"}
    told = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == hashlib.sha256(pdf.render(invoice())).hexdigest()


def test_its_date_is_the_invoices_and_its_fonts_are_inside() -> None:
    data = pdf.render(invoice())
    assert data.startswith(b"%PDF-1.")
    assert b"/CreationDate (D:20270102001000Z" in data
    assert data.count(b"/FontFile2") == 2


def printed_text(data: bytes) -> str:
    """What a reader of the file sees, page after page."""
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(data)).pages)


@pytest.mark.parametrize(("locale", "names"), [(None, "en"), ("de-DE", "de"), ("pl-PL", "pl")])
def test_the_paper_says_what_makes_it_verifiable(locale: str | None, names: str) -> None:
    given = spoken(locale)
    wording, key = Wording(locale), "5f" * 32
    address = f"https://agenthub.example/api/invoices/{given.invoice_id}/evidence"
    assert wording.language == names
    text = printed_text(pdf.render(given, (key, address)))
    for label, value in (("digest", given.digest), ("key", key), ("verify", address)):
        assert f"{wording.say(label)}: {value}" in text
    assert given.number in text
    unsigned = printed_text(pdf.render(given, (None, address)))
    assert wording.say("key") not in unsigned
    assert address in unsigned


def test_the_paper_says_how_much_was_used_and_at_which_prices() -> None:
    text = printed_text(pdf.render(invoice()))
    assert text.count("1,200 tokens") == 2
    assert text.count("prices of 2026-01-01") == 2


@pytest.mark.parametrize(("locale", "row"), [(None, "2 messages 0.08 0.16"), ("pl-PL", "2 wiadomości 0,08 0,16")])
def test_what_is_charged_by_the_message_is_printed_by_the_message(locale: str | None, row: str) -> None:
    plan = terms(cost_plus=None, monthly_fee="1", unit_prices=[{"meter": "messages", "price": "0.08"}])
    entries = close([event(event_id=name, charge_nanos=80_000_000) for name in "ab"], DAYS[0])
    made = freeze(draft(plan, entries + post(plan, entries)))
    text = printed_text(
        pdf.render(made.model_copy(update={"bill_to": made.bill_to.model_copy(update={"locale": locale})}))
    )
    assert row in " ".join(text.replace("\u00a0", " ").split())
    assert "token" not in text


def test_many_lines_become_a_row_an_agent_and_the_detail_after() -> None:
    assert page_count(pdf.render(invoice(2))) == 1
    assert page_count(pdf.render(invoice(40))) >= 3


@pytest.mark.parametrize(
    "name",
    [
        "Łódź Ğüneş Ñandú Đặng",
        "Ελληνικά Привет Ђорђе",
        "日本語 한국어 中文",
        "مرحبا שלום हिन्दी",
        "🦷\u200d🪥 \ufffd",
        "a\nb\tc\x00",
        "x" * 400,
        "",
    ],
)
def test_a_name_in_any_script_is_printed_or_replaced(name: str, caplog: pytest.LogCaptureFixture) -> None:
    given = invoice()
    party = given.bill_to.model_copy(update={"name": name, "address": (name, name)})
    line = given.lines[0].model_copy(update={"description": name})
    data = pdf.render(given.model_copy(update={"bill_to": party, "lines": (line, *given.lines[1:])}))
    assert data.startswith(b"%PDF-1.")
    assert caplog.records == []


def test_what_the_fonts_have_is_not_replaced() -> None:
    page = pdf.Page(invoice())
    assert page.safe("Łódź Ελλάς Київ Đặng € ₴ – „x“") == "Łódź Ελλάς Київ Đặng € ₴ – „x“"
    assert page.safe("中\n") == f"{pdf.REPLACEMENT} "
    for font in page.fonts.values():
        font.close()


NBSP = "\u00a0"


def spoken(locale: str | None, **fields: object) -> Invoice:
    given = invoice(**fields)
    return given.model_copy(update={"bill_to": given.bill_to.model_copy(update={"locale": locale})})


def test_amounts_are_those_of_the_invoice() -> None:
    given = invoice()
    wording = Wording(None)
    assert pdf._rows(wording, given, pdf._charged(given)) == [
        ("agt_0\noffline-extractive, prices of 2026-01-01", "1,200 tokens", "1,028.81 per 1M", "1.23"),
        ("Front desk\noffline-extractive, prices of 2026-01-01", "1,200 tokens", "1,028.81 per 1M", "1.23"),
        ("Plan P, monthly price", "1", "19.00", "19.00"),
    ]
    assert pdf._totals(wording, given) == [
        ("Subtotal", f"USD{NBSP}21.46"),
        ("Included in the plan", f"USD{NBSP}-2.47"),
        (f"Discount 10{NBSP}%", f"USD{NBSP}-1.90"),
        (f"Tax 19{NBSP}%", f"USD{NBSP}3.25"),
        ("Total", f"USD{NBSP}20.34"),
        ("Amount due", f"USD{NBSP}20.34"),
    ]


def test_a_customer_reads_it_in_their_language_and_with_their_marks() -> None:
    given = spoken("de-DE")
    wording = Wording("de-DE")
    assert pdf._rows(wording, given, pdf._charged(given))[0] == (
        "agt_0\noffline-extractive, Preise vom 2026-01-01", "1.200 Token", "1.028,81 je 1 Mio.", "1,23"
    )  # fmt: skip
    assert pdf._totals(wording, given)[-1] == ("Zu zahlen", f"USD{NBSP}20,34")
    assert b"/Lang (de)" in pdf.render(given)


@pytest.mark.parametrize("locale", [*sorted(languages()), "de-CH", "xx", "en-CZ", None])
def test_every_language_is_printed_whole(locale: str | None, caplog: pytest.LogCaptureFixture) -> None:
    for number in (2, 40):
        given = spoken(locale, agents=number, reverse_charge=True, paid_minor=1, credit_minor=1)
        page = pdf.Page(given)
        texts = [text for row in pdf._rows(page.wording, given, given.lines) for text in row]
        texts += [text for row in pdf._totals(page.wording, given) for text in row]
        assert all(pdf.REPLACEMENT not in page.safe(text) for text in texts)
        assert pdf.render(given, ("ab" * 32, "https://example.com/api/invoices/i/evidence")).startswith(b"%PDF-")
        for font in page.fonts.values():
            font.close()
    assert caplog.records == []


def test_late_usage_says_its_agent_and_its_month() -> None:
    given = invoice()
    late = given.lines[0].model_copy(
        update={
            "kind": LineKind.LATE_USAGE,
            "usage_period": "2026-11",
            "description": "Late usage: Front desk, offline-extractive (2026-11)",
        }
    )
    assert pdf._row(Wording("fr-FR"), given, late)[0] == (
        "Front desk\noffline-extractive, prix du 2026-01-01, consommation tardive de novembre 2026"
    )


def test_the_usual_sentence_on_paying_is_translated_and_the_operators_own_is_not() -> None:
    usual = spoken("es-ES", payment_terms="Please pay within 14 days and name the invoice number.")
    assert pdf._terms(Wording("es-ES"), usual) == "Pague en un plazo de 14 días e indique el número de factura."
    assert pdf._terms(Wording("es-ES"), invoice()) == "Pay within 14 days to GB00 0000."


def test_a_draft_is_not_printed() -> None:
    with pytest.raises(ValueError, match="finalized"):
        pdf.render(draft(terms(), []))


def test_fonts_are_small_open_and_come_with_their_licence() -> None:
    for path in FONTS.glob("*.ttf"):
        assert path.stat().st_size <= 300_000
        font = TTFont(path)
        assert font["OS/2"].fsType == 0
        assert {ord(char) for char in "AzÄőŁЖяΩω€\ufffd"} <= set(font.getBestCmap())
        font.close()
    assert "SIL OPEN FONT LICENSE" in FONTS.joinpath("OFL.txt").read_text("utf-8")


def test_what_the_law_wants_said_about_the_tax_is_printed() -> None:
    plain = invoice(reverse_charge=True)
    noted = plain.model_copy(update={"tax_note": REVERSED_IN_EU})
    assert len(pdf.render(noted)) > len(pdf.render(plain))


def test_every_line_is_printed_once_as_a_charge_or_below_the_subtotal() -> None:
    plan = terms(cost_plus=None, unit_prices=[TIERED, PACKAGES], minimum="500", tax_rate="0.19", discount_amount="1")
    found = [event(event_id=f"e{n}", charge_nanos=900_000_000, new_conversation=n < 2) for n in range(9)]
    entries = close(found, DAYS[0])
    made = freeze(draft(plan, entries + post(plan, entries)))
    kinds = {line.kind.value for line in made.lines}
    assert {"usage", "tier_adjustment", "discount", "minimum", "tax"} <= kinds
    shown = [label.replace(NBSP, " ") for label, _ in pdf._totals(Wording(None), made)]
    others = [line.description for line in made.lines if line.kind.value not in ("usage", "fee")]
    assert shown == ["Subtotal", *others, "Total", "Amount due"]
    assert pdf.render(made) == pdf.render(made)


@pytest.mark.parametrize(
    ("kind", "text", "period", "said"),
    [
        (LineKind.TIER_ADJUSTMENT, "Prices by quantity", "2026-12", "Mengenpreise"),
        (LineKind.TIER_ADJUSTMENT, "Prices by quantity (2026-11)", "2026-11", "Mengenpreise (November 2026)"),
        (LineKind.ALLOWANCE, "Included in the plan (2026-11)", "2026-11", "Im Tarif enthalten (November 2026)"),
        (LineKind.FEE, "Monthly price (2026-11)", "2026-11", "Monatspreis (November 2026)"),
        (LineKind.MINIMUM, "To the monthly minimum of 1500.00 USD", "2026-12",
         "Bis zum monatlichen Mindestbetrag von 1.500,00 USD"),
        (LineKind.MINIMUM, "Monthly minimum (2026-11)", "2026-11", "Monatlicher Mindestbetrag (November 2026)"),
        (LineKind.DISCOUNT, "Discount 12.5 % and 5.00 USD", "2026-12", "Rabatt 12,5 % und 5,00 USD"),
        (LineKind.DISCOUNT, "Discount 0 %", "2026-12", "Rabatt 0 %"),
        (LineKind.LATE_USAGE, "Late usage: agt_0, offline-extractive (2026-11)", "2026-11",
         "agt_0, offline-extractive, Nachtrag für November 2026"),
    ],
)  # fmt: skip
def test_every_kind_of_line_speaks_the_customers_language(kind: LineKind, text: str, period: str, said: str) -> None:
    given = invoice()
    line = given.lines[0].model_copy(update={"kind": kind, "description": text, "usage_period": period})
    assert pdf.said(Wording("de-DE"), given, line).replace(NBSP, " ") == said


def test_what_the_law_wants_said_is_said_in_the_customers_language() -> None:
    for note in (REVERSED_IN_EU, OUTSIDE_EU, REVERSED, EXPORT):
        assert pdf._tax_note(Wording(None), note) == note
        assert len({pdf._tax_note(Wording(language), note) for language in languages()}) == len(languages())
    assert pdf._tax_note(Wording("de"), "As agreed.") == "As agreed."
