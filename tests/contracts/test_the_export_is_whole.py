"""Every collection is in the whole workspace's export, or it is said here why not; tests/matrix looks into a file of it.

Whoever adds a collection sorts it: the business's own belongs into the ZIP (functions/analytics/export_workspace.py).
"""

from functions.analytics import export_workspace
from functions.shared import contracts

HELD = {
    "workspaces": "settings/workspace.json",
    "members": "members/members.json",
    "api_keys": "api_keys/api_keys.jsonl",
    "invitations": "invitations/invitations.jsonl",
    "webhooks": "webhooks/webhooks.json",
    "deliveries": "deliveries/deliveries.jsonl",
    "agents": "agents/*/agent.json",
    "versions": "agents/*/versions/*.json",
    "knowledge": "agents/*/knowledge/*.json",
    "checks": "agents/*/checks/cases.json",
    "check_runs": "agents/*/checks/runs/*.json",
    "fleet": "fleet/fleet.jsonl",
    "widgets": "widgets/*.json",
    "conversations": "conversations/conversations.jsonl",
    "turns": "transcripts/transcripts.jsonl",
    "visitors": "visitors/visitors.jsonl",
    "rollups": "stats/stats.jsonl",
    "activity": "audit_log/audit_log.jsonl",
    "billing": "billing/*.json",
    "ledger": "ledger/ledger.jsonl",
    "invoices": "invoices/*.json",
    "payments": "payments/payments.jsonl",
    "credit_notes": "credit_notes/*.json",
}
"""Collection → where in the ZIP it is."""

EXEMPT = {
    "chunks": "passages of knowledge as the search needs them, made anew from it",
    "copies": "that an agent is being copied at this moment; goes when the copy is there",
    "charges": "sums of a month's turns, which are in usage_events one by one",
    "spend": "sums of a month's turns and copies of the plan and caps in billing/, for the turn that asks whether it may",
    "events": "the outbox of what is in usage_events, conversation_events, ledger and invoice_lines",
    "processed": "marks that an event was counted; its id and its digest",
    "idempotency": "answers kept for a day in case that a request comes twice",
    "directory": "which workspace an id belongs to; every id in it is in another file",
    "exports": "exports that were asked for, with the claims of who did; they and their files go after a week",
    "relay": "counters of the installation",
    "strays": "payments at the card service that fit no workspace",
    "benchmarks": "what is typical across workspaces; no workspace's own",
    "plans": "the installation's price list; the one that the workspace has is in billing/plan.json",
    "operator_acts": "what the installation's operators do for all; what they do to a workspace is in its audit_log",
}
"""Collection → why it is not in the ZIP."""


def test_every_collection_is_in_the_export_or_is_not_for_a_reason() -> None:
    assert not HELD.keys() & EXEMPT.keys()
    assert contracts.OWNERS.keys() == HELD.keys() | EXEMPT.keys()
    assert all(len(reason.split()) > 3 for reason in EXEMPT.values())


def test_the_readme_says_what_each_table_and_folder_is() -> None:
    tables = {*export_workspace.TABLES, *export_workspace.RECORDS, *export_workspace.LISTS}
    assert export_workspace.SAYS.keys() == tables
    folders = {place.partition("/")[0] for place in HELD.values()}
    assert {folder for folder in folders if f"\n{folder}/ " not in export_workspace.README} <= tables
