"""A credit note takes at most what is left of a line, and all notes together exactly the invoice with its tax."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from functions.billing import notes
from functions.billing.models import Invoice, LineKind, UsageEvent
from functions.billing.notes import NoteRefused, Wanted
from functions.shared.plans import PlanTerms
from tests.functions.billing.making import DAYS, FINAL, close, draft, event, events, freeze, plans, post, terms


def invoice(plan: PlanTerms, found: list[UsageEvent]) -> Invoice:
    entries = [entry for day in DAYS for entry in close(found, day)]
    return freeze(draft(plan, [*entries, *post(plan, entries)])).model_copy(update={"state": "open"})


def issue(given: Invoice, wanted: list[Wanted], number: int = 1) -> tuple[notes.CreditNote, Invoice]:
    return notes.issue(
        given, wanted, note_id=f"crn_{number}", number=notes.number("ABC", FINAL, number - 1), issued_at=FINAL
    )


def creditable(given: Invoice) -> list[str]:
    return [line.line_id for line in given.lines if line.kind != LineKind.TAX and line.amount_minor]


@given(events(), plans, st.data())
def test_any_number_of_notes_credits_each_line_with_exactly_its_tax(
    found: list[UsageEvent], plan: PlanTerms, data: st.DataObject
) -> None:
    made = invoice(plan, found)
    assume(made.total_minor > 0)
    now, total = made, 0
    for number in range(1, 4):
        wanted = []
        for line in made.lines:
            before = now.after.credited.get(line.line_id)
            left = line.amount_minor - (before.amount_minor if before else 0)
            if line.line_id in creditable(made) and left > 0 and data.draw(st.booleans()):
                wanted.append(
                    Wanted(line_id=line.line_id, amount_minor=data.draw(st.integers(1, left)), reason="Wrong")
                )
        try:
            note, now = issue(now, wanted, number)
        except NoteRefused:
            continue
        total += note.total_minor
        assert note.total_minor == note.net_minor + note.tax_minor > 0
        assert sum(row["amount_minor"] for row in note.to_rows()) == -note.total_minor
        assert 0 <= note.on_due_minor <= note.total_minor
    rest = [
        Wanted(line_id=line_id, amount_minor=None, reason="All")
        for line_id in creditable(made)
        if now.after.credited.get(line_id) is None
        or next(line for line in made.lines if line.line_id == line_id).amount_minor
        != now.after.credited[line_id].amount_minor
    ]
    if total < made.total_minor and rest:
        note, now = issue(now, rest, 4)
        total += note.total_minor
        assert now.due_minor == 0
        for line in made.lines:
            if line.line_id in now.after.credited:
                assert now.after.credited[line.line_id].tax_minor == line.tax_minor
        untouched = sum(line.tax_minor for line in made.lines if line.line_id not in now.after.credited)
        assert total == made.total_minor - untouched
    assert total <= made.total_minor


def test_what_cannot_be_credited_is_refused_and_says_which_line() -> None:
    made = invoice(terms(tax_rate="0.19"), [event(charge_nanos=10_000_000_000)])
    usage, tax = made.lines

    def refused(*wanted: Wanted, given: Invoice = made) -> int | None:
        with pytest.raises(NoteRefused) as error:
            issue(given, list(wanted))
        return error.value.position

    one = Wanted(line_id=usage.line_id, amount_minor=100, reason="Wrong")
    assert refused(one, one) is None
    assert refused() is None
    assert refused(one, Wanted(line_id=tax.line_id, amount_minor=1, reason="Tax")) == 1
    assert refused(Wanted(line_id="lin_0", amount_minor=1, reason="Nothing")) == 0
    for amount in (0, -1, 1001):
        assert refused(one.model_copy(update={"amount_minor": amount})) == 0
    note, now = issue(made, [one.model_copy(update={"amount_minor": 901})])
    assert (note.net_minor, note.tax_minor, now.due_minor) == (901, 171, 1190 - 1072)
    assert refused(one, given=now) == 0


def test_crediting_more_than_was_asked_for_is_refused_unless_the_allowance_goes_along() -> None:
    plan = terms(included="5")
    made = invoice(plan, [event(charge_nanos=8_000_000_000)])
    usage, allowance = made.lines
    assert (made.total_minor, allowance.amount_minor) == (300, -500)
    with pytest.raises(NoteRefused):
        issue(made, [Wanted(line_id=usage.line_id, amount_minor=None, reason="All")])
    everything = [Wanted(line_id=line.line_id, amount_minor=None, reason="All") for line in made.lines]
    note, now = issue(made, everything)
    assert (note.total_minor, now.due_minor) == (300, 0)
