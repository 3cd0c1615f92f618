"""What a payment by card has done to a workspace: its invoice, payments, credit, books and audit log."""

from typing import Any

from functions.billing import ledger, repository
from functions.billing.models import Account, Invoice
from functions.billing.payment_models import Payment
from functions.shared import contracts, firestore, ids
from tests.functions.billing.story import Story


def invoice(story: Story) -> Invoice:
    """Its first one, which most stories owe."""
    return story.invoices()[0]


def paid(story: Story) -> list[Payment]:
    """Its payments."""
    found = firestore.find(firestore.Query(contracts.path(story.workspace, "payments")))
    return [repository.payment_of(one) for one in found]


def credit(story: Story) -> int:
    """What it has, by account and ledger alike."""
    found = firestore.get(repository.account_path(story.workspace)).data.get("credit_nanos", 0)
    assert found == ledger.credit(story.entries())
    return int(found)


def balances(story: Story) -> dict[Account, int]:
    """By account; they come to nothing in all, and what is owed is what invoices say."""
    found = ledger.balances(story.entries())
    assert sum(found.values()) == 0
    due = sum(one.due_minor for one in story.invoices()) * 10_000_000
    assert found[Account.RECEIVABLE] == due
    return found


def acts(story: Story) -> list[str]:
    """What its audit log has, the beginnings of checkouts apart."""
    found = firestore.find(firestore.Query(contracts.path(story.workspace, "activity"), order=("at",)))
    return [one.data["action"] for one in found if not one.data["action"].startswith("checkout")]


def nothing_moved(story: Story) -> None:
    """Asserts that no money came."""
    assert paid(story) == []
    assert balances(story)[Account.CASH] == 0
    assert invoice(story).paid_minor == 0


def stray(intent: str) -> dict[str, Any]:
    """What is kept aside of a payment that fits nothing."""
    return firestore.get(f"strays/{ids.hashed('stripe', intent)}").data
