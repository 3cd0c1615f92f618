"""An invoice on paper: A4, black, embedded fonts, and the same bytes for the same invoice whenever it is rendered.

Everything printed comes from the frozen invoice, in its customer's language; the only time in the file is the invoice's
own. It is rendered once, when the invoice is finalized, and served from the archive from then on. Lengths are whole
millimetres.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from fpdf import FPDF
from fpdf.enums import TableBordersLayout, TextEmphasis, VAlign
from fpdf.fonts import FontFace

from functions.billing.models import USAGE_LINES, Invoice, InvoiceLine, LineKind, Party, Period
from functions.billing.wording import Wording
from functions.shared.money import MILLION, divide, minor_digits, minor_unit, parse_decimal
from functions.shared.tax import EXPORT, OUTSIDE_EU, REVERSED, REVERSED_IN_EU

MARGIN: Final = 18
WIDTH: Final = 210 - 2 * MARGIN
RIGHT: Final = MARGIN + WIDTH // 2
"""Where the right column of the head begins."""
FAMILY: Final = "NotoSans"
# More lines than this and the first page shows a row for each agent; every line follows after the total.
MOST_LINES: Final = 18
REPLACEMENT: Final = "\ufffd"
_KEPT: Final = {"\u00a0": "\u00a0", "\u202f": "\u00a0", "\u2009": "\u00a0"}
"""Blanks at which a line does not break, the narrow ones as the plain one, which every font has."""

PAGES: Final = "\u00a4"
"""Where the number of pages stands until it is known: a sign that the fonts have, as wide as a digit."""

Row = tuple[str, str, str, str]
Evidence = tuple[str | None, str]
"""The id of the key that signs it, if there is one, and its address."""


def render(invoice: Invoice, evidence: Evidence | None = None) -> bytes:
    """The PDF of a numbered invoice. Characters that the fonts lack print as a replacement sign.

    Raises ValueError for a draft: what may still change is not printed.
    """
    if invoice.number is None or invoice.issued_at is None or invoice.due_at is None:
        raise ValueError("only a finalized invoice is printed")
    page = Page(invoice)
    say = page.wording.say
    page.set_title(page.safe(f"{say('invoice')} {invoice.number}"))
    page.add_page()
    page.head()
    short = len(invoice.lines) <= MOST_LINES
    columns = (say("description"), say("quantity"), say("unit_price"), say("amount", currency=invoice.currency))
    page.table(
        columns, _rows(page.wording, invoice, _charged(invoice)) if short else _agent_rows(page.wording, invoice)
    )
    page.totals(_totals(page.wording, invoice))
    page.how_to_pay(evidence)
    if not short:
        page.heading(say("every_line"))
        page.table(columns, _rows(page.wording, invoice, _charged(invoice)))
    return page.bytes()


class Page(FPDF):  # type: ignore[misc]  # The library is untyped.
    """The sheet of an invoice and its kin: fonts, foot, and the blocks from top to bottom."""

    def __init__(self, invoice: Invoice) -> None:
        super().__init__(orientation="portrait", unit="mm", format="A4")
        self.invoice = invoice
        self.wording = Wording(invoice.bill_to.locale)
        fonts = Path(__file__).with_name("fonts")
        self.add_font(FAMILY, "", str(fonts.joinpath("NotoSans-Regular.ttf")))
        self.add_font(FAMILY, "B", str(fonts.joinpath("NotoSans-Bold.ttf")))
        self.known = frozenset(self.fonts[FAMILY.lower()].cmap)
        self.set_margins(MARGIN, MARGIN, MARGIN)
        self.c_margin = 0
        self.set_auto_page_break(True, MARGIN + 8)
        self.set_creation_date(invoice.issued_at or invoice.as_of)
        self.set_author(self.safe(invoice.seller.name))
        self.set_creator("AgentHub")
        self.set_producer("AgentHub")
        self.set_lang(self.wording.language)
        # As wide as a digit, so that the line ends where it should; `safe` leaves it in no other text.
        self.alias_nb_pages(PAGES)

    def safe(self, text: str) -> str:
        """Text that the fonts can show; a line break or a control character becomes a blank."""
        plain = (_KEPT.get(char) or (char if char.isprintable() else " ") for char in text)
        return "".join(char if ord(char) in self.known and char != PAGES else REPLACEMENT for char in plain)

    def write_line(self, text: str, *, bold: bool = False, size: int = 9, height: int = 5, align: str = "L") -> None:
        """One line of the column that the cursor is in, as wide as what is left of the page."""
        self.set_font(FAMILY, "B" if bold else "", size)
        left = self.get_x()
        self.multi_cell(0, height, self.safe(text), align=align, new_x="LEFT", new_y="NEXT")
        self.set_x(left)

    def write_pair(self, label: str, value: str) -> None:
        """A label at the beginning of the right column, its value at the end of it, wrapped if it is long."""
        top = self.get_y()
        self.set_font(FAMILY, "", 9)
        self.set_xy(RIGHT, top)
        self.cell(28, 5, self.safe(label))
        self.multi_cell(WIDTH // 2 - 28, 5, self.safe(value), align="R", new_x="LMARGIN", new_y="NEXT")

    def head(self) -> None:
        """Seller and invoice data side by side, then who pays and how much."""
        invoice, say = self.invoice, self.wording.say
        assert invoice.issued_at is not None
        assert invoice.due_at is not None
        period = Period(month=invoice.period)
        top = self.get_y()
        self.party(invoice.seller, None)
        left_end = self.get_y()
        self.set_xy(RIGHT, top)
        self.write_line(say("invoice"), bold=True, size=20, height=10, align="R")
        self.write_pair(say("number"), invoice.number or "")
        self.write_pair(say("issued"), self.wording.date(invoice.issued_at))
        self.write_pair(say("due"), self.wording.date(invoice.due_at))
        self.write_pair(say("period"), self.wording.month(invoice.period))
        first, last = (self.wording.date(day) for day in (period.start, period.last_day))
        self.set_x(RIGHT)
        self.write_line(say("span", first=first, last=last), size=7, height=4, align="R")
        self.set_xy(MARGIN, max(left_end, self.get_y()) + 10)
        top = self.get_y()
        self.party(invoice.bill_to, say("bill_to"))
        left_end = self.get_y()
        self.set_xy(RIGHT, top)
        self.write_line(say("amount_due"), align="R")
        self.set_x(RIGHT)
        self.write_line(money(self.wording, invoice, invoice.due_minor), bold=True, size=24, height=12, align="R")
        self.set_xy(MARGIN, max(left_end, self.get_y()) + 10)

    def party(self, party: Party, label: str | None) -> None:
        """A name and address, under a label where there is one."""
        # The left column ends before the right one begins, so a long name wraps and does not run into it.
        self.set_right_margin(MARGIN + WIDTH // 2 + 6)
        self.set_x(MARGIN)
        if label:
            self.write_line(label)
        self.write_line(party.name, bold=True, size=10)
        vat = self.wording.say("vat_id", id=party.vat_id) if party.vat_id else None
        country = self.wording.country(party.country) if party.country else None
        for line in (*party.address, country, vat, party.email):
            if line:
                self.write_line(line)
        self.set_right_margin(MARGIN)

    def heading(self, text: str) -> None:
        """A heading on a page of its own."""
        self.add_page()
        self.write_line(text, bold=True, size=12, height=8)
        self.ln(2)

    def table(self, columns: Row, rows: Sequence[Row]) -> None:
        """The lines, their head repeated on every page; a description may have a second line after a line feed."""
        self.set_font(FAMILY, "", 8)
        self.set_line_width(0)
        with super().table(
            col_widths=(88, 28, 30, 28),
            text_align=("LEFT", "RIGHT", "RIGHT", "RIGHT"),
            v_align=VAlign.T,
            borders_layout=TableBordersLayout.HORIZONTAL_LINES,
            headings_style=FontFace(emphasis=TextEmphasis.B),
            line_height=4,
            padding=(1, 0),
        ) as table:
            for row in (columns, *rows):
                cells = table.row()
                for position, text in enumerate(row):
                    # A description keeps its distance from the figures, which end where their column does.
                    lines = "\n".join(map(self.safe, text.split("\n")))
                    cells.cell(lines, padding=(1, 4, 1, 0) if position == 0 else None)

    def totals(self, rows: Sequence[tuple[str, str]]) -> None:
        """Label and amount at the right, the last one bold, never torn apart by the end of a page."""
        self.ln(4)
        if self.will_page_break(6 * len(rows)):
            self.add_page()
        for position, (label, amount) in enumerate(rows):
            last = position == len(rows) - 1
            self.set_font(FAMILY, "B" if last else "", 10 if last else 9)
            top = self.get_y()
            self.set_x(RIGHT)
            self.multi_cell(WIDTH // 2 - 36, 6, self.safe(label), align="L", new_x="LMARGIN", new_y="NEXT")
            bottom = self.get_y()
            self.set_xy(210 - MARGIN - 36, top)
            self.cell(36, 6, self.safe(amount), align="R")
            self.set_xy(MARGIN, bottom)

    def how_to_pay(self, evidence: Evidence | None) -> None:
        """What the law wants said about the tax, what the operator wrote about paying, and what makes figures verifiable."""
        self.ln(8)
        if self.invoice.tax_note:
            self.write_line(_tax_note(self.wording, self.invoice.tax_note))
            self.ln(2)
        self.write_line(_terms(self.wording, self.invoice))
        self.ln(3)
        say = self.wording.say
        self.write_line(f"{say('digest')}: {self.invoice.digest}", size=7, height=4)
        if evidence is not None:
            key, address = evidence
            if key:
                self.write_line(f"{say('key')}: {key}", size=7, height=4)
            self.write_line(f"{say('verify')}: {address}", size=7, height=4)

    def footer(self) -> None:
        """Number and page on every page."""
        self.set_xy(MARGIN, -MARGIN)
        self.set_font(FAMILY, "", 7)
        self.cell(WIDTH // 2, 5, self.safe(self.invoice.number or ""))
        self.cell(WIDTH // 2, 5, self.wording.say("page", page=str(self.page_no()), pages=PAGES), align="R")

    def bytes(self) -> bytes:
        """The finished file."""
        return bytes(self.output())


def money(wording: Wording, invoice: Invoice, minor: int) -> str:
    """An amount with its currency."""
    return f"{invoice.currency}\u00a0{wording.minor(minor, invoice.currency)}"


def _terms(wording: Wording, invoice: Invoice) -> str:
    """What is said about paying: the usual sentence in the customer's language, the operator's own as it was written."""
    assert invoice.issued_at is not None
    assert invoice.due_at is not None
    days = str((invoice.due_at - invoice.issued_at).days)
    usual = Wording(None).say("pay_within", days=days)
    return wording.say("pay_within", days=days) if invoice.payment_terms == usual else invoice.payment_terms


def _charged(invoice: Invoice) -> list[InvoiceLine]:
    return [line for line in invoice.lines if line.kind in (*USAGE_LINES, LineKind.FEE)]


def _rows(wording: Wording, invoice: Invoice, lines: Sequence[InvoiceLine]) -> list[Row]:
    return [_row(wording, invoice, line) for line in lines]


def _row(wording: Wording, invoice: Invoice, line: InvoiceLine) -> Row:
    amount = wording.minor(line.amount_minor, invoice.currency)
    if line.kind not in USAGE_LINES:
        return (said(wording, invoice, line), "1", amount, amount)
    about = [line.model or ""]
    if line.price_version:
        about.append(wording.say("prices_of", version=line.price_version))
    if line.kind == LineKind.LATE_USAGE:
        about.append(wording.say("late", month=wording.month(line.usage_period)))
    name = f"{_agent(line)}\n{', '.join(about)}"
    if line.meter and line.unit_price_nanos is not None:
        price = wording.nanos(line.unit_price_nanos, minor_digits(invoice.currency))
        return (name, wording.counted(line.meter, getattr(line, line.meter)), price, amount)
    if not line.tokens:
        return (name, wording.counted("messages", line.messages), "", amount)
    return (name, wording.counted("tokens", line.tokens), _average(wording, invoice.currency, line), amount)


def _agent(line: InvoiceLine) -> str:
    """The agent's name out of a line's description, as it was when the invoice was made."""
    late = "Late usage: " if line.kind == LineKind.LATE_USAGE else ""
    month = f" ({line.usage_period})" if late else ""
    return line.description.removeprefix(late).removesuffix(month).removesuffix(f", {line.model}")


def _average(wording: Wording, currency: str, line: InvoiceLine) -> str:
    """What a million of the line's tokens cost on average, to the coin; no price of the book, since buckets differ."""
    coin = minor_unit(currency)
    nanos = divide(line.amount_nanos * MILLION, line.tokens * coin) * coin
    return wording.say("per_million", amount=wording.nanos(nanos, minor_digits(currency)))


def said(wording: Wording, invoice: Invoice, line: InvoiceLine) -> str:
    """What a line says on one line, in the customer's language; of an earlier month with its name and without terms."""
    if line.kind in USAGE_LINES:
        name = f"{_agent(line)}, {line.model}"
        late = line.kind == LineKind.LATE_USAGE
        return f"{name}, {wording.say('late', month=wording.month(line.usage_period))}" if late else name
    if line.usage_period != invoice.period:
        keys = {
            LineKind.FEE: "fee_of_month",
            LineKind.DISCOUNT: "discount_of_month",
            LineKind.MINIMUM: "minimum_of_month",
        }
        return f"{wording.say(keys.get(line.kind, line.kind.value))} ({wording.month(line.usage_period)})"
    match line.kind:
        case LineKind.FEE:
            return wording.say("fee", plan=invoice.plan)
        case LineKind.DISCOUNT:
            return wording.say("discount", rate=_stated(wording, line.description.removeprefix("Discount ")))
        case LineKind.MINIMUM:
            return wording.say("minimum", amount=_stated(wording, line.description.rpartition(" of ")[2]))
        case LineKind.TAX:
            return wording.say("tax", rate=wording.share(invoice.tax_rate))
        case _:
            return wording.say(line.kind.value)


def _stated(wording: Wording, text: str) -> str:
    """What a line's text states of its terms, which stand nowhere else: `10 %`, `5.00 USD`, or `10 % and 5.00 USD`."""
    parts = []
    for part in text.split(" and "):
        number, _, unit = part.partition(" ")
        nanos = parse_decimal(number)
        decimals = len(number.partition(".")[2])
        parts.append(
            wording.share(divide(nanos, 100)) if unit == "%" else f"{wording.nanos(nanos, decimals)}\u00a0{unit}"
        )
    return wording.say("both", share=parts[0], amount=parts[1]) if len(parts) == 2 else parts[0]


_TAX_NOTES: Final = {
    REVERSED_IN_EU: "reversed_in_eu",
    OUTSIDE_EU: "outside_eu",
    REVERSED: "reversed",
    EXPORT: "export",
}


def _tax_note(wording: Wording, note: str) -> str:
    """What the law wants said, in the customer's language where it is one of the law's sentences that we know."""
    return wording.say(_TAX_NOTES[note]) if note in _TAX_NOTES else note


def _agent_rows(wording: Wording, invoice: Invoice) -> list[Row]:
    """One row for each agent and one for each fee: sums of lines as rounded, so nothing is rounded twice."""
    usage: dict[str, list[InvoiceLine]] = {}
    rows = []
    for line in _charged(invoice):
        if line.kind in USAGE_LINES:
            usage.setdefault(line.agent_id or "", []).append(line)
        else:
            rows.append(_row(wording, invoice, line))
    agents = []
    for lines in usage.values():
        amount = wording.minor(sum(line.amount_minor for line in lines), invoice.currency)
        tokens = wording.counted("tokens", sum(line.tokens for line in lines))
        agents.append((_agent(lines[0]), tokens, "", amount))
    return agents + rows


def _totals(wording: Wording, invoice: Invoice) -> list[tuple[str, str]]:
    def amount(minor: int) -> str:
        return money(wording, invoice, minor)

    rows = [(wording.say("subtotal"), amount(sum(line.amount_minor for line in _charged(invoice))))]
    for line in invoice.lines:
        if line.kind not in (*USAGE_LINES, LineKind.FEE):
            rows.append((said(wording, invoice, line), amount(line.amount_minor)))
    if invoice.reverse_charge:
        rows.append((wording.say("reverse_charge"), amount(0)))
    rows.append((wording.say("total"), amount(invoice.total_minor)))
    if invoice.credit_minor > 0:
        rows.append((wording.say("credit_used"), amount(-invoice.credit_minor)))
    if invoice.paid_minor:
        rows.append((wording.say("paid"), amount(-invoice.paid_minor)))
    rows.append((wording.say("amount_due"), amount(invoice.due_minor)))
    return rows
