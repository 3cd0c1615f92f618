"""The export of a whole workspace has all that a business made, word for word, and nothing that opens a door."""

import io
import json
import re
import zipfile
from collections import Counter
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

import pytest

from functions.analytics import export_rooms, export_sources, exporting
from functions.dashboard.hashes import hash_of
from functions.shared import bigquery, calls, config, contracts, firestore, storage
from functions.shared.config import settings
from tests.cloud import envelope
from tests.contracts.test_the_export_is_whole import HELD
from tests.functions.shared.http import callers
from tests.functions.shared.identity.key_file import write_key
from tests.matrix.business import Business
from tests.matrix.city import City, Who

pytestmark = pytest.mark.timeout(600)
"""The first test opens the city and founds a business."""

PUBSUB = Who("Pub/Sub", account="push")
WAREHOUSED = {
    "conversation-recorded": "conversation_events",
    "ledger-recorded": "ledger_entries",
    "invoice-recorded": "invoice_lines",
}
"""What Pub/Sub itself carries into the warehouse, beside the turns."""
HOOK = "https://hooks.example/path-of-ours"


class Elm(Business):
    """A business that has used everything; `secrets` are what it was shown once."""

    def __init__(self, city: City) -> None:
        super().__init__(city, "Elm Dental")
        self.secrets: set[str] = set()
        agent, talk = self.things["agent"], f"/api/conversations/{self.things['conversation']}"
        self.change("agents-api", "PATCH", f"{talk}/lead", {"state": "taken", "note": "Called Eva back."})
        self.change("agents-api", "PATCH", f"{talk}/hand-off", {"state": "done", "note": "Eva comes on Tuesday."})
        fleet = {"tags": ["front"], "note": "Ask Ann first.", "pinned": True}
        self.change("my-agents-api", "PATCH", f"/api/my-agents/{agent}", fleet)
        kept = {"retention_days": 400, "alert_emails": ["alarm@elm.example"]}
        self.change("dashboard-api", "PATCH", "/api/workspace", kept)
        cap = {"cap": {"amount": "123.45", "currency": "USD"}}
        self.change("billing-api", "PUT", "/api/billing/budgets", cap)
        profile = {"name": "Elm Dental GmbH", "address": ["Ulmenweg 7"], "country": "DE", "vat_id": "DE123456789"}
        self.change("billing-api", "PUT", "/api/billing/profile", profile)
        self._publish_again(agent)
        operator = Who("operator", {**self.signed_up("operator").claims, "operator": True})  # type: ignore[dict-item]
        credit = {"amount": {"amount": "7.00", "currency": "USD"}, "reason": "For your patience"}
        home = f"/api/operator/workspaces/{self.workspace}"
        self.do("billing-api", "POST", f"{home}/credits", credit, operator)
        self._secrets()
        for topic, table in WAREHOUSED.items():
            published = self.city.cloud.published(topic, self.workspace)
            where = f"{settings().project}.{settings().dataset}.{table}"
            assert bigquery.client().insert_rows_json(where, published) == []

    def change(self, deployment: str, method: str, path: str, body: dict[str, Any]) -> None:
        """One change of what is there, of which the etag is asked for where it has one."""
        about = path.rpartition("/")[0] if path.endswith(("/lead", "/hand-off")) else path
        room = "analytics-api" if about != path else deployment
        self.do(deployment, method, path, body, If_Match=self.etag(room, about))

    def _publish_again(self, agent: str) -> None:
        """A second version and a second thing that is known, so that lists have pages."""
        pairs = [{"question": "Is there parking?", "answer": "Behind the elm tree."}]
        item = {"kind": "qa", "title": "Parking", "pairs": pairs}
        self.do("agents-api", "POST", f"/api/agents/{agent}/knowledge", item)
        draft = {"greeting": "Hello from the elm."}
        self.change("agents-api", "PATCH", f"/api/agents/{agent}", draft)
        self.do("agents-api", "POST", f"/api/agents/{agent}/publish?accept_failing=true")

    def _secrets(self) -> None:
        key = self.do("dashboard-api", "POST", "/api/workspace/api-keys", {"name": "Cash desk"})
        rotated = self.do("dashboard-api", "POST", f"/api/workspace/api-keys/{key['id']}/rotate", {})
        hook = self.do("dashboard-api", "POST", "/api/webhooks", {"url": HOOK, "types": ["invoice.issued"]})
        self.do("dashboard-api", "POST", f"/api/webhooks/{self.things['webhook']}/test")
        widget = f"/api/widgets/{self.things['widget']}"
        identity = self.do("widgets-api", "POST", f"{widget}/identity-secret/rotate", {})
        invited = self.do("dashboard-api", "POST", "/api/invitations", {"email": "dee@example.com"})
        token = invited["token"].partition(".")[2]
        self.secrets |= {key["secret"], rotated["secret"], hook["secret"], identity["secret"], token}
        self.secrets |= {one.removeprefix("whsec_") for one in self.secrets}
        self.secrets |= set(self.things["token"].split(".")[1:])

    def exported(self, who: Who) -> str:
        """The id of an export that `who` asks for."""
        made: str = self.do("analytics-api", "POST", "/api/exports", {"kind": "workspace"}, who)["id"]
        return made

    def run(self, export: str) -> dict[str, Any]:
        """One delivery of its request; the export as it is stored then."""
        asked = {"event_id": "evt_of_the_export", "workspace_id": str(self.workspace), "export_id": export}
        answer = self.city.ask("analytics-exports", "POST", "/events/export-requested", PUBSUB, envelope(asked))
        assert answer.status_code == 204, answer.get_data()
        return firestore.get(contracts.path(self.workspace, "exports", export)).data


@pytest.fixture(scope="module")
def elm(city: City, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Elm]:
    """Once it has used everything, rooms are called by the export's job alone: each lets in whom the catalogue lists."""
    found = Elm(city)
    with pytest.MonkeyPatch.context() as monkeypatch:
        key = tmp_path_factory.mktemp("exports") / "key.json"
        write_key(city.google.engine, callers.account("analytics-exports"), key)
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(key))
        calls._identity.cache_clear()
        config.settings.cache_clear()
        yield found
    calls._identity.cache_clear()
    config.settings.cache_clear()


def opened(stored: dict[str, Any]) -> dict[str, str]:
    """The ZIP of an export that is done: each file's content, of a PDF as Latin-1."""
    assert (stored["state"], stored["error"]) == ("done", None)
    file = storage.read(settings().exports_bucket, stored["object"])
    assert file is not None
    with zipfile.ZipFile(io.BytesIO(file)) as archive:
        names = archive.namelist()
        assert len(names) == len(set(names))
        return {
            name: archive.read(name).decode("latin-1" if name.endswith(".pdf") else "utf-8")
            for name in archive.namelist()
        }


@pytest.fixture(scope="module")
def files(elm: Elm) -> dict[str, str]:
    """What the owner's export has."""
    return opened(elm.run(elm.exported(elm.owner)))


def rows(files: dict[str, str], table: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in files[f"{table}/{table}.jsonl"].splitlines()]


def shown(files: dict[str, str], name: str) -> Any:
    return json.loads(files[name])


def test_every_collection_that_is_held_is_in_its_file_with_something_of_it(files: dict[str, str]) -> None:
    for collection, place in HELD.items():
        found = [name for name in files if fnmatchcase(name, place)]
        assert found, collection
        assert all(len(files[name]) > 2 for name in found), collection


def test_what_visitors_left_is_there_with_what_colleagues_noted(elm: Elm, files: dict[str, str]) -> None:
    (talk,) = [one for one in rows(files, "conversations") if one["conversation_id"] == elm.things["conversation"]]
    lead, hand_off = talk["lead"], talk["hand_off"]
    assert (lead["email"], lead["consent"], lead["state"]) == ("eva@example.com", "Call me.", "taken")
    assert (lead["staff_note"], hand_off["staff_note"]) == ("Called Eva back.", "Eva comes on Tuesday.")
    assert (hand_off["note"], hand_off["state"]) == ("Please", "done")
    assert elm.things["visitor"] in {one["visitor_id"] for one in rows(files, "visitors")}


def test_agents_are_there_with_versions_test_cases_runs_and_what_the_fleet_knows(
    elm: Elm, files: dict[str, str]
) -> None:
    agent = f"agents/{elm.things['agent']}"
    versions = [shown(files, name) for name in files if name.startswith(f"{agent}/versions/")]
    prompts = {one["number"]: (one["prompt"], one["yaml"]) for one in versions}
    assert prompts.keys() == {1, 2}
    assert all("Mia" in text for both in prompts.values() for text in both)
    assert "Hello from the elm." in prompts[2][1]
    assert "Hello from the elm." not in prompts[1][1]
    (case,) = shown(files, f"{agent}/checks/cases.json")["cases"]
    assert case["question"] == "When are you open?"
    run = shown(files, f"{agent}/checks/runs/{elm.things['run']}.json")
    assert run["results"][0]["case_id"] == "hours"
    (known,) = [one for one in rows(files, "fleet") if one["agent_id"] == elm.things["agent"]]
    assert (known["status"], known["tags"], known["note"], known["pinned"]) == (
        "active",
        ["front"],
        "Ask Ann first.",
        True,
    )
    assert [step["status"] for step in known["history"]] == ["active"]


def test_settings_and_who_may_in_are_there(elm: Elm, files: dict[str, str]) -> None:
    home = shown(files, "settings/workspace.json")
    assert (home["retention_days"], home["alert_emails"]) == (400, ["alarm@elm.example"])
    keys = {one["name"]: one for one in rows(files, "api_keys")}
    assert keys["Cash desk"]["scopes"] == ["read"]
    assert keys["Cash desk"]["rotated_at"] is not None
    invited = {one["email"]: one["state"] for one in rows(files, "invitations")}
    assert invited == {"cy@example.com": "waiting", "dee@example.com": "waiting"}
    assert HOOK in {one["url"] for one in shown(files, "webhooks/webhooks.json")}
    sent = rows(files, "deliveries")
    assert {one["webhook_id"] for one in sent} == {elm.things["webhook"]}
    assert len(sent) == 2


def test_money_is_there_with_plan_caps_profile_credit_and_credit_notes(elm: Elm, files: dict[str, str]) -> None:
    assert shown(files, "billing/budgets.json")["cap"] == {"amount": "123.45", "currency": "USD"}
    assert shown(files, "billing/plan.json")["current"]["plan"]
    profile = shown(files, "billing/profile.json")
    assert (profile["name"], profile["address"], profile["vat_id"]) == (
        "Elm Dental GmbH",
        ["Ulmenweg 7"],
        "DE123456789",
    )
    credit = shown(files, "billing/credits.json")
    assert "For your patience" in {one["reason"] for one in credit["grants"]}
    assert credit.keys() >= {"balance", "grants", "as_of"}
    assert "7.00" in {one["amount"]["amount"] for one in rows(files, "credit_movements")}
    note = elm.things["credit_note"]
    assert shown(files, f"credit_notes/{note}.json")["invoice_id"] == elm.things["invoice"]
    assert files[f"credit_notes/filed/{note}.pdf"].startswith("%PDF")
    invoice = elm.things["invoice"]
    assert files[f"invoices/filed/{invoice}.pdf"].startswith("%PDF")
    (evidence,) = [name for name in files if name.startswith(f"invoices/evidence/{invoice}.")]
    assert shown(files, evidence)["invoice_id"] == invoice


def test_no_secret_and_no_hash_of_one_is_in_any_file(elm: Elm, files: dict[str, str]) -> None:
    kept = [
        text
        for name, document in elm.documents().items()
        if "/api_keys/" in name or "/invitations/" in name
        for text in document.values()
    ]
    hashes = {one for text in kept for one in re.findall("[0-9a-f]{64}", text)}
    # What is looked for is what is kept, or the test would look for nothing.
    assert hashes & {hash_of(secret) for secret in elm.secrets}
    assert len(hashes) >= 5
    for secret in elm.secrets | hashes:
        assert len(secret) > 15
        found = [name for name, content in files.items() if secret in content]
        assert not found, found
    for field in ("secret_hash", "token_hash", "whsec_"):
        assert not [name for name, content in files.items() if field in content], field


def test_an_api_key_gets_the_same_and_so_does_a_job_whose_time_is_up_after_two_pages(
    elm: Elm, files: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    export, runs = elm.exported(elm.program("Backup", "read", "write", role="admin")), 0
    monkeypatch.setattr(export_sources, "DOCUMENTS_PAGE", 1)
    paged = {name: query.replace("20", "1") for name, query in export_rooms.OF_AN_AGENT.items()}
    monkeypatch.setattr(export_rooms, "OF_AN_AGENT", paged)
    looked = Counter[int]()

    def used(run: exporting._Run) -> float:
        """Once nothing, from then on all the time that there is."""
        looked[run.export.runs] += 1
        return 0.0 if looked[run.export.runs] == 1 else exporting.RUN_SECONDS * 2

    monkeypatch.setattr(exporting._Run, "_used", used)
    while elm.run(export)["state"] == "running":
        runs += 1
        assert runs < 300
    again = opened(elm.run(export))
    assert runs > 30
    assert again.keys() == files.keys()
    for table in ("conversations", "transcripts", "visitors", "fleet", "invitations", "deliveries", "credit_movements"):
        assert rows(again, table) == rows(files, table)
