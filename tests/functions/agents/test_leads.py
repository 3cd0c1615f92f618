"""Leads are read by the business, the newest first, with the consent, of its own workspace only."""

from datetime import timedelta
from typing import Any

from functions.shared import clock, contracts, firestore, ids
from tests.functions.agents.studio import Studio
from tests.functions.shared.http import callers


def lead(studio: Studio, minutes: int, agent: str = "agt_a", **fields: Any) -> str:
    name, at = ids.conversation_of(ids.secret()), clock.now() - timedelta(minutes=minutes)
    left = {"name": "Ana", "email": "ana@example.com", "consent": "I agree.", "left_at": at}
    document = {
        "agent_id": agent, "channel": "widget", "title": "Prices", "lead": left, "lead_at": at,
        "created_at": at, "updated_at": clock.now(),
    }  # fmt: skip
    batch = firestore.Batch()
    batch.set(contracts.path(studio.workspace, "conversations", name), {**document, **fields})
    batch.commit()
    return name


def test_leads_are_listed_newest_first_page_by_page_with_their_consent(studio: Studio) -> None:
    old, new, other = lead(studio, 30), lead(studio, 10), lead(studio, 20, "agt_b")
    batch = firestore.Batch()
    quiet = contracts.path(studio.workspace, "conversations", ids.conversation_of("quiet"))
    batch.set(quiet, {"agent_id": "agt_a", "updated_at": clock.now()})
    batch.commit()
    page = studio.get("/api/leads?page_size=2").body
    assert [one["conversation_id"] for one in page["items"]] == [new, other]
    assert (page["items"][0]["email"], page["items"][0]["consent"]) == ("ana@example.com", "I agree.")
    rest = studio.get(f"/api/leads?page_size=2&page_token={page['next_page_token']}").body
    assert [one["conversation_id"] for one in rest["items"]] == [old]
    assert rest["next_page_token"] is None
    assert [one["conversation_id"] for one in studio.get("/api/leads?agent_id=agt_b").body["items"]] == [other]


def test_leads_are_for_members_of_their_workspace(studio: Studio) -> None:
    lead(studio, 1)
    assert Studio(callers.person("viewer", studio.workspace)).get("/api/leads").status == 403
    assert Studio(callers.person("owner")).get("/api/leads").body["items"] == []
    assert studio.get("/api/leads?page_token=W10").status == 422


def test_a_lead_goes_with_its_conversation(studio: Studio) -> None:
    name = lead(studio, 1, visitor_id=ids.new("visitor"))
    visitor = firestore.get(contracts.path(studio.workspace, "conversations", name)).data["visitor_id"]
    (exported,) = studio.get(f"/api/visitors/{visitor}").body["items"]
    assert (exported["lead"]["email"], exported["lead"]["consent"]) == ("ana@example.com", "I agree.")
    assert studio.ask("DELETE", f"/api/conversations/{name}").status == 204
    assert studio.get("/api/leads").body["items"] == []
