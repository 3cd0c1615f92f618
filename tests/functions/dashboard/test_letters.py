"""The words of mails about money: each step of dunning has its own, and names the invoice and what is to be paid."""

from datetime import UTC, datetime

import pytest

from functions.billing import dunning
from functions.dashboard import letters
from functions.dashboard.notices import Notice
from functions.shared.contracts import WorkspaceRead

NOW = datetime(2026, 12, 20, tzinfo=UTC)
HOME = WorkspaceRead(name="Linden Dental", created_at=NOW)
TEMPLATES = [step.template for step in dunning.plan().steps] + ["suspended"]


def letter(template: str) -> letters.Letter:
    facts = {"invoice_number": "ACME-2026-0001", "due": "12.34", "currency": "USD", "template": template}
    return letters.of(Notice("evt_1", "invoice.overdue", "2026-12-20T00:00:00.000000Z", facts), HOME)


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_step_names_the_invoice_and_what_is_to_be_paid(template: str) -> None:
    assert "ACME-2026-0001" in letter(template).subject
    assert "12.34" in letter(template).text


def test_no_two_steps_say_the_same() -> None:
    assert len({letter(template).subject for template in TEMPLATES}) == len(TEMPLATES)
