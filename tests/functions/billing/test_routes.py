"""The three deployments over HTTP: who may call what, and what the edge makes of it."""

import base64
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import functions_framework
import pytest
from flask.testing import FlaskClient

from functions.billing import repository
from functions.shared import clock, config, firestore
from tests.cloud import PROJECT, Cloud, envelope
from tests.functions.billing.story import FINAL, Story, at

SOURCE = Path(__file__).parents[3] / "functions" / "billing" / "main.py"
ADDRESS = "http://billing.test"


@pytest.fixture
def story(house: Cloud) -> Story:
    return Story(house)


def deployment(monkeypatch: pytest.MonkeyPatch, name: str) -> FlaskClient:
    """One deployment in the real framework, with the environment that the supervisor gives it."""
    callers = ",".join(account(one) for one in ("gateway", "push", "scheduler"))
    given = {"DEPLOYMENT": name, f"{name.upper().replace('-', '_')}_URL": ADDRESS, "CALLERS": callers}
    for variable, value in {**given, "FUNCTION_TARGET": "", "FUNCTION_SIGNATURE_TYPE": ""}.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.delenv("FUNCTION_SIGNATURE_TYPE")
    config.settings.cache_clear()
    return functions_framework.create_app(name.replace("-", "_"), str(SOURCE)).test_client()


@pytest.fixture
def api(story: Story, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    return deployment(monkeypatch, "billing-api")


def account(name: str) -> str:
    return f"agenthub-{name}@{PROJECT}.iam.gserviceaccount.com"


def encoded(claims: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")


def through(name: str) -> dict[str, str]:
    claims = {"email": account(name), "aud": ADDRESS, "exp": clock.now().timestamp() + 3600}
    return {"Authorization": f"Bearer {encoded({'alg': 'RS256'})}.{encoded(claims)}.SIGNATURE_REMOVED_BY_GOOGLE"}


def person(story: Story, role: str, **claims: Any) -> dict[str, str]:
    batch = firestore.Batch()
    batch.set(f"workspaces/{story.workspace}/members/uid_{role}", {"role": role, "email": "ann@example.com"})
    batch.commit()
    stated = {
        "iss": f"https://securetoken.google.com/{PROJECT}",
        "aud": PROJECT,
        "sub": f"uid_{role}",
        "exp": clock.now().timestamp() + 3600,
        "workspace_id": story.workspace,
        **claims,
    }
    return {**through("gateway"), "X-Apigateway-Api-Userinfo": encoded(stated)}


def test_an_owner_who_acts_as_operator_is_refused(story: Story, api: FlaskClient) -> None:
    owner = person(story, "owner")
    home = f"/api/operator/workspaces/{story.workspace}"
    assert api.get("/api/operator/workspaces", headers=owner).status_code == 403
    for path in ("payments", "invoices/inv_1/finalize", "invoices/inv_1/void"):
        headers = {**owner, "Idempotency-Key": "k"}
        assert api.post(f"{home}/{path}", json={}, headers=headers).status_code == 403


def test_what_the_operator_makes_and_the_evidence_have_an_etag(story: Story, api: FlaskClient) -> None:
    story.turn(at("2026-11-26"), charge_nanos=10_000_000_000)
    story.close(FINAL)
    (invoice,) = story.invoices()
    operator = person(story, "viewer", operator=True)
    viewer = person(story, "viewer")
    home = f"/api/operator/workspaces/{story.workspace}"
    given = {"amount": {"amount": "5", "currency": "USD"}, "reason": "Welcome"}
    keyed = {**operator, "Idempotency-Key": "etag 1"}
    credit = api.post(f"{home}/credits", json=given, headers=keyed)
    assert (credit.status_code, bool(credit.headers["ETag"])) == (201, True)
    lines = {"lines": [{"line_id": invoice.lines[0].line_id, "reason": "Wrong"}]}
    keyed = {**operator, "Idempotency-Key": "etag 2"}
    note = api.post(f"{home}/invoices/{invoice.invoice_id}/credit-notes", json=lines, headers=keyed)
    assert (note.status_code, note.json["state"]) == (201, "issued")
    shown = api.get(f"/api/credit-notes/{note.json['id']}", headers=viewer)
    assert (shown.json, shown.headers["ETag"]) == (note.json, note.headers["ETag"])
    path = f"/api/invoices/{invoice.invoice_id}/evidence"
    evidence = api.get(path, headers=viewer)
    again = api.get(path, headers={**viewer, "If-None-Match": evidence.headers["ETag"]})
    assert (evidence.status_code, again.status_code, again.data) == (200, 304, b"")
    assert api.get(path, headers={**viewer, "If-None-Match": '"another"'}).data == evidence.data


def test_the_operator_records_a_payment_with_a_key(story: Story, api: FlaskClient) -> None:
    story.turn(at("2026-11-26"), charge_nanos=10_000_000_000)
    story.close(FINAL)
    invoice = story.invoices()[0].invoice_id
    operator = person(story, "viewer", operator=True)
    path = f"/api/operator/workspaces/{story.workspace}/payments"
    body = {
        "invoice_id": invoice,
        "amount": {"amount": "10", "currency": "USD"},
        "reference": "SEPA 17",
        "received_at": "2026-12-05T00:00:00Z",
    }
    assert api.post(path, json=body, headers=operator).status_code == 400
    first = api.post(path, json=body, headers={**operator, "Idempotency-Key": "k"})
    again = api.post(path, json=body, headers={**operator, "Idempotency-Key": "k"})
    assert (first.status_code, again.data) == (201, first.data)
    viewer = person(story, "viewer")
    shown = api.get(f"/api/invoices/{invoice}", headers=viewer)
    assert (shown.json["state"], shown.json["due"]["amount"]) == ("paid", "0.00")
    assert shown.headers["ETag"]
    (paid,) = api.get(f"/api/payments?invoice_id={invoice}", headers=viewer).json["items"]
    assert paid["id"] == first.json["id"]
    one = api.get(f"/api/payments/{paid['id']}", headers=viewer)
    assert (one.json, one.headers["ETag"]) == (first.json, first.headers["ETag"])
    pdf = api.get(f"/api/invoices/{invoice}/pdf", headers=viewer)
    assert (pdf.mimetype, pdf.data[:5]) == ("application/pdf", b"%PDF-")
    debtors: list[dict[str, Any]] = []
    token = ""
    while True:
        page = api.get(f"/api/operator/workspaces?page_size=100{token}", headers=operator).json
        debtors += page["items"]
        if page["next_page_token"] is None:
            break
        token = f"&page_token={page['next_page_token']}"
    (mine,) = [one for one in debtors if one["id"] == story.workspace]
    assert (mine["due"]["amount"], mine["last_closed"]) == ("0.00", "2026-12-01")
    home = f"/api/operator/workspaces/{story.workspace}"
    for there, here in (("invoices", "/api/invoices"), ("payments", "/api/payments")):
        assert api.get(f"{home}/{there}", headers=operator).json == api.get(here, headers=viewer).json
        assert api.get(f"{home}/{there}", headers=person(story, "owner")).status_code == 403
    (listed,) = api.get(f"{home}/invoices", headers=operator).json["items"]
    assert (listed["paid"]["amount"], listed["due"]["amount"]) == ("10.00", "0.00")
    assert api.get(f"{home}/invoices/{invoice}", headers=operator).json == shown.json
    other = f"{home}/invoices/{invoice}"
    refused = api.post(f"{other}/void", json={}, headers=operator)
    assert (refused.status_code, refused.json["code"]) == (409, "invoice_state")
    assert api.post(f"{other}/finalize", json={}, headers=operator).status_code == 200


def test_the_operator_credits_gives_and_writes_off_and_the_workspace_reads_it(story: Story, api: FlaskClient) -> None:
    operator = person(story, "viewer", operator=True)
    story.turn(at("2026-11-26"), charge_nanos=10_000_000_000)
    story.close(FINAL)
    (invoice,) = story.invoices()
    home = f"/api/operator/workspaces/{story.workspace}"
    viewer = person(story, "viewer")

    def post(path: str, body: dict[str, Any], key: str) -> Any:
        return api.post(f"{home}/{path}", json=body, headers={**operator, "Idempotency-Key": key})

    given = {"amount": {"amount": "3", "currency": "USD"}, "reason": "Welcome"}
    assert api.post(f"{home}/credits", json=given, headers=operator).status_code == 400
    assert post("credits", given, "key-of-credit").status_code == 201
    shown = api.get("/api/billing/credits", headers=viewer).json
    assert (shown["balance"]["amount"], shown["grants"][0]["reason"]) == ("3.00", "Welcome")
    lines = {"lines": [{"line_id": invoice.lines[0].line_id, "reason": "Wrong", "amount": {**given["amount"]}}]}
    note = post(f"invoices/{invoice.invoice_id}/credit-notes", lines, "key-of-note")
    assert (note.status_code, note.json["on_due"]["amount"]) == (201, "3.00")
    path = f"/api/invoices/{invoice.invoice_id}"
    assert api.get(f"{path}/credit-notes", headers=viewer).json["items"] == [note.json]
    assert api.get(f"/api/credit-notes/{note.json['id']}", headers=viewer).headers["ETag"]
    assert api.get(f"/api/credit-notes/{note.json['id']}/pdf", headers=viewer).data.startswith(b"%PDF-")
    off = post(f"invoices/{invoice.invoice_id}/uncollectible", {"reason": "Insolvent"}, "key-of-write-off")
    assert (off.status_code, off.json["state"], off.json["due"]["amount"]) == (200, "uncollectible", "0.00")
    seen = api.get(path, headers=viewer).json
    assert (seen["credited"]["amount"], seen["written_off"]["amount"]) == ("3.00", "7.00")
    again = api.post(f"{home}/invoices/{invoice.invoice_id}/void", json={"reissue": True}, headers=operator)
    assert (again.status_code, again.json["code"]) == (409, "invoice_credited")
    margin = api.get(f"{home}/margin?period=2026-11", headers=operator).json
    assert margin["total"]["charge"]["amount"] == "10.00"


def test_a_write_names_the_version_it_changes(story: Story, api: FlaskClient) -> None:
    owner = person(story, "owner")
    shown = api.get("/api/billing/budgets", headers=owner)
    body = {"cap": {"amount": "20.5", "currency": "USD"}, "visitor_hour_share": "0.10"}
    assert api.put("/api/billing/budgets", json=body, headers=owner).status_code == 428
    written = {**owner, "If-Match": shown.headers["ETag"]}
    changed = api.put("/api/billing/budgets", json=body, headers=written)
    assert (changed.status_code, changed.json["cap"]["amount"]) == (200, "20.50")
    assert api.put("/api/billing/budgets", json=body, headers=written).status_code == 412
    written = {**owner, "If-Match": changed.headers["ETag"]}
    plan = api.put("/api/billing/plan", json={"plan": "starter"}, headers=written)
    assert (plan.status_code, plan.json["current"]["plan"]) == (200, "starter")
    unknown = api.put("/api/billing/plan", json={"plan": "gold"}, headers={**owner, "If-Match": plan.headers["ETag"]})
    assert (unknown.status_code, unknown.json["errors"][0]["pointer"]) == (422, "/plan")
    profile = api.put(
        "/api/billing/profile", json={"name": "Dental", "address": ["Street 1"]}, headers={**owner, "If-Match": '"0"'}
    )
    assert profile.status_code == 200
    assert api.put("/api/billing/plan", json={}, headers=person(story, "admin")).status_code == 403
    assert api.get("/api/billing", headers=owner).json["plan"]["plan"] == "starter"
    assert api.get("/api/billing/usage", headers=owner).status_code == 200
    for period in ("2026-13", "0000-01", "9999-12", "٢٠٢٦-11"):
        assert api.get("/api/billing/usage", query_string={"period": period}, headers=owner).status_code == 422
    assert api.get("/api/billing/prices", headers=owner).json["currency"] == "USD"


def test_events_and_closes_come_in_push_envelopes(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    event = story.record(at(clock.day_of(clock.now()), 0), recorded_at=clock.to_text(clock.now()))
    usage = deployment(monkeypatch, "billing-usage")
    for _ in range(2):
        answer = usage.post("/events/usage-recorded", json=envelope(event.row), headers=through("push"))
        assert answer.status_code == 204
    day = clock.day_of(clock.now())
    ((tally, _),) = repository.tallies(story.workspace, [f"day_{day}"], "USD")
    assert tally.total.count == 1
    close = deployment(monkeypatch, "billing-close")
    at_noon = {**through("scheduler"), "X-CloudScheduler-ScheduleTime": "2026-11-27T00:10:00Z"}
    assert close.post("/schedules/billing-close", headers=at_noon).status_code == 204
    (request,) = story.cloud.published("close-requested", story.workspace)
    answer = close.post("/events/close-requested", json=envelope(request, event_id="close"), headers=through("push"))
    assert answer.status_code == 204
    assert story.state()["last_closed"] == "2026-11-26"
    bad = envelope({"workspace_id": story.workspace}, event_id="close")
    assert close.post("/events/close-requested", json=bad, headers=through("push")).status_code == 400


@pytest.mark.parametrize("moment", ["9999-12-31T23:59:59Z", "2126-01-01T00:10:00Z"])
def test_a_slip_in_the_year_closes_nothing(story: Story, monkeypatch: pytest.MonkeyPatch, moment: str) -> None:
    close = deployment(monkeypatch, "billing-close")
    headers = {**through("scheduler"), "X-CloudScheduler-ScheduleTime": moment}
    asked = close.post("/schedules/billing-close", headers=headers)
    assert (asked.status_code, asked.json["code"]) == (400, "too_far_ahead")
    request = envelope({"workspace_id": story.workspace, "as_of": moment}, event_id="close")
    told = close.post("/events/close-requested", json=request, headers=through("push"))
    assert (told.status_code, told.json["code"]) == (400, "too_far_ahead")


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-11-25T10:00:00"])
def test_a_payment_has_a_time_that_can_be(story: Story, api: FlaskClient, moment: str) -> None:
    headers = {**person(story, "owner", operator=True), "Idempotency-Key": "k"}
    payment = {"invoice_id": f"inv_{'0' * 26}", "amount": {"amount": "1", "currency": "USD"}, "received_at": moment}
    answer = api.post(f"/api/operator/workspaces/{story.workspace}/payments", json=payment, headers=headers)
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/received_at"), answer.text


def test_an_operator_publishes_a_plan_and_a_workspace_simulates_it(story: Story, api: FlaskClient) -> None:
    operator = person(story, "owner", operator=True)
    now = clock.now()
    name = f"http_{story.workspace[-12:]}".lower()
    plan = {
        "plan": name,
        "plan_version": f"{name}-1",
        "name": "Over HTTP",
        "effective_from": clock.to_text(now + timedelta(days=1, minutes=1)),
        "workspace_id": story.workspace,
        "currency": "USD",
        "unit_prices": [{"meter": "messages", "scheme": "package", "price": "10", "per": 500}],
    }
    for _ in range(2):
        answer = api.put("/api/operator/plans", json=plan, headers=operator)
        assert (answer.status_code, answer.json["terms"]["unit_prices"][0]["scheme"]) == (200, "package"), answer.text
    assert f"{name}-1" in {
        one["terms"]["version"] for one in api.get("/api/operator/plans", headers=operator).json["versions"]
    }
    wrong = {**plan, "unit_prices": [{"meter": "messages", "price": 10}]}
    answer = api.put("/api/operator/plans", json=wrong, headers=operator)
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/unit_prices/0/price")
    for method, path in (("GET", "/api/operator/plans"), ("PUT", "/api/operator/plans")):
        assert api.open(path, method=method, json=plan, headers=person(story, "owner")).status_code == 403
    viewer = person(story, "viewer")
    answer = api.post("/api/billing/simulate", json={"plan": "starter"}, headers=viewer)
    assert (answer.status_code, answer.json["currency"]) == (200, "USD"), answer.text
    # It is not in force before tomorrow.
    assert api.post("/api/billing/simulate", json={"plan": name}, headers=viewer).status_code == 422
