"""Leads are read by the business, the newest first, with the consent, of its own workspace only; and handled like hand-offs."""

from datetime import timedelta
from typing import Any

from functions.shared import clock, contracts, firestore, ids
from tests.functions.agents.studio import Answered, Studio
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


def change(studio: Studio, conversation: str, state: str, **fields: Any) -> Answered:
    return studio.ask("PATCH", f"/api/conversations/{conversation}/lead", {"state": state, **fields})


def of_state(studio: Studio, state: str, more: str = "") -> list[str]:
    return [one["conversation_id"] for one in studio.get(f"/api/leads?state={state}{more}").body["items"]]


def test_a_lead_is_taken_noted_done_and_put_back(studio: Studio) -> None:
    # What was left before leads had states waits.
    name = lead(studio, 1)
    path = contracts.path(studio.workspace, "conversations", name)
    (shown,) = studio.get("/api/leads").body["items"]
    assert (shown["state"], shown["note"], shown["taken_by"]) == ("waiting", None, None)
    me = f"person:{studio.someone.claims['sub']}"
    taken = change(studio, name, "taken", note="Called at ten.").body
    assert (taken["state"], taken["note"], taken["taken_by"]) == ("taken", "Called at ten.", me)
    assert (taken["email"], taken["consent"]) == ("ana@example.com", "I agree.")
    done = change(studio, name, "done").body
    assert (done["state"], done["note"], done["taken_by"]) == ("done", "Called at ten.", me)
    back = change(studio, name, "waiting").body
    assert (back["state"], back["taken_by"]) == ("waiting", None)
    kept = firestore.get(path).data
    assert kept["lead_at"] == kept["lead"]["left_at"]
    told = firestore.find(firestore.Query(contracts.path(studio.workspace, "activity"), order=("at",)))
    assert [(one.data["action"], one.data["before"], one.data["after"]) for one in told] == [
        ("lead.taken", {"state": "waiting"}, {"state": "taken"}),
        ("lead.done", {"state": "taken"}, {"state": "done"}),
        ("lead.waiting", {"state": "done"}, {"state": "waiting"}),
    ]
    assert not {"ana@example.com", "Called at ten."} & set(str([one.data for one in told]).split("'"))


def test_a_lead_that_a_colleague_has_taken_stays_with_the_colleague(studio: Studio) -> None:
    name = lead(studio, 1)
    other = Studio(callers.person("member", studio.workspace))
    assert change(other, name, "taken").status == 200
    refused = change(studio, name, "taken")
    assert (refused.status, refused.code) == (409, "taken_already")
    assert change(studio, name, "waiting").status == 200
    assert change(studio, name, "taken").status == 200


def test_leads_of_a_state_are_found_page_by_page_however_many_are_in_another(studio: Studio) -> None:
    names = [lead(studio, minutes, "agt_b" if minutes % 2 else "agt_a") for minutes in range(8)]
    for name in names[:5]:
        change(studio, name, "done")
    change(studio, names[6], "taken")
    assert of_state(studio, "waiting") == [names[5], names[7]]
    assert of_state(studio, "taken") == [names[6]]
    assert of_state(studio, "done", "&agent_id=agt_b") == [names[1], names[3]]
    assert of_state(studio, "waiting", "&agent_id=agt_b") == [names[5], names[7]]
    for state, expected in (("waiting", [names[5], names[7]]), ("done", names[:5]), ("", names)):
        filtered = f"&state={state}" if state else ""
        found: list[str] = []
        token: str | None = ""
        while token is not None:
            page = studio.get(f"/api/leads?page_size=1{filtered}{token and f'&page_token={token}'}").body
            found += [one["conversation_id"] for one in page["items"]]
            token = page["next_page_token"]
        assert found == expected
    assert studio.get("/api/leads?state=lost").status == 422


def test_a_conversation_without_a_lead_or_of_others_is_not_found(studio: Studio) -> None:
    name = lead(studio, 1, lead=None)
    assert change(studio, name, "taken").status == 404
    assert change(studio, ids.conversation_of("nobody"), "taken").status == 404
    assert change(studio, "cnv_x", "taken").status == 404
    assert change(Studio(callers.person("owner")), lead(studio, 1), "taken").status == 404
    assert change(Studio(callers.person("viewer", studio.workspace)), lead(studio, 1), "taken").status == 403


def test_a_lead_goes_with_its_conversation(studio: Studio) -> None:
    name = lead(studio, 1, visitor_id=ids.new("visitor"))
    visitor = firestore.get(contracts.path(studio.workspace, "conversations", name)).data["visitor_id"]
    (exported,) = studio.get(f"/api/visitors/{visitor}").body["items"]
    assert (exported["lead"]["email"], exported["lead"]["consent"]) == ("ana@example.com", "I agree.")
    assert studio.ask("DELETE", f"/api/conversations/{name}").status == 204
    assert studio.get("/api/leads").body["items"] == []


def test_what_a_colleague_did_since_is_not_undone_unseen(studio: Studio) -> None:
    name = lead(studio, 1)
    other = Studio(callers.person("member", studio.workspace))
    seen = {"state": "waiting", "taken_by": None, "note": None}
    taken = change(other, name, "taken", note="Mine.", seen=seen).body
    for state, fields in (("waiting", {"note": "He called."}), ("done", {}), ("waiting", {})):
        refused = change(studio, name, state, seen=seen, **fields)
        assert (refused.status, refused.code) == (409, "handled_since")
    assert studio.get("/api/leads").body["items"] == [taken]
    # A repeat of what was done already, after a lost answer, is no conflict.
    assert change(other, name, "taken", note="Mine.", seen=seen).body == taken
    now = {part: taken[part] for part in seen}
    assert change(studio, name, "waiting", note="He called.", seen=now).body["note"] == "He called."
    assert change(studio, name, "done", seen={"state": "lost"}).status == 422
