"""A stranger tries to break a running stack: each attack gets a clear answer, and nothing is lost or half done."""

import base64
import json
import uuid
from typing import Any

import jwt
import pytest
import requests
from google.cloud import firestore

from tests.e2e import attacks
from tests.e2e.attacks import title
from tests.e2e.client import Client
from tests.e2e.practice import (
    ANY,
    HOURS,
    ORIGIN,
    QUESTION,
    Practice,
    envelope,
    forged,
    id_token,
    quiet,
    refused,
)

pytestmark = pytest.mark.timeout(120)
PUSHES = {"analytics-usage": "usage-recorded", "billing-usage": "usage-recorded", "billing-close": "close-requested"}


@pytest.mark.parametrize("what", attacks.BODIES)
def test_a_body_that_is_no_agent_makes_none(practice: Practice, what: str) -> None:
    content, status = attacks.BODIES[what]
    before = practice.owner.get("/api/agents?page_size=100")
    headers = {"Authorization": f"Bearer {practice.owner.token}", "Content-Type": "application/json"}
    answer = practice.owner.http.post(f"{practice.stack.gateway}/api/agents", data=content, headers=headers)
    refused(answer, status)
    assert practice.owner.get("/api/agents?page_size=100") == before


@pytest.mark.parametrize(("method", "path", "operation"), attacks.JSON_WRITES, ids=title)
def test_every_route_refuses_broken_json_unknown_fields_and_other_types(
    practice: Practice, method: str, path: str, operation: dict[str, Any]
) -> None:
    visitors = "visitor" in operation["security"][0]
    client = practice.visitor() if visitors else practice.owner
    url = practice.stack.gateway + practice.filled(path)
    for content, kind, status in (
        (b"{", "application/json", 400),
        (b'{"unknown_field": 1}', "application/json", 422),
        (b"[1]", "application/json", 422),
        (b"name=x", "text/plain", 415),
    ):
        headers = {"Authorization": f"Bearer {client.token}", "Content-Type": kind, "If-Match": '"0"'}
        headers["Idempotency-Key"] = uuid.uuid4().hex
        answer = client.http.request(method, url, data=content, headers=headers)
        refused(answer, *((403,) if "/operator/" in path else (status,)))


@pytest.mark.parametrize(("path", "query"), attacks.BAD_QUERIES)
def test_a_query_that_means_nothing_is_refused_with_its_parameter(practice: Practice, path: str, query: str) -> None:
    body = refused(practice.owner.ask("GET", f"{path}?{query}", status=ANY), 422)
    assert body["errors"][0]["pointer"].startswith("/")


@pytest.mark.parametrize("what", attacks.FILES)
def test_a_yaml_file_that_is_no_agent_changes_nothing(practice: Practice, what: str) -> None:
    text, code = attacks.FILES[what]
    config = f"/api/agents/{practice.agent}/config"
    before = practice.owner.ask("GET", config)
    headers = {"Content_Type": "application/yaml"}
    for method, path in (("POST", "/api/agents/config/validate"), ("POST", "/api/agents/import"), ("PUT", config)):
        more = {"If_Match": before.headers["ETag"]} if method == "PUT" else {}
        body = refused(practice.owner.ask(method, path, text, status=ANY, **headers, **more), 400, 413, 422, code=code)
        assert "python" not in body["detail"].lower()
    assert practice.owner.ask("GET", config).text == before.text


def test_a_second_workspace_finds_nothing_of_the_first_and_changes_nothing(
    practice: Practice, rival: Practice, documents: firestore.Client
) -> None:
    """Through the gateway, with what the story knows; tests/matrix has every route and every kind of thing."""
    conversation = practice.turn().json()["conversation_id"]
    quiet(documents, practice)
    before = practice.everything(conversation)
    yaml = practice.owner.ask("GET", f"/api/agents/{practice.agent}/config").text
    for method, path, operation in attacks.SECURED:
        if "{" not in path or "{industry}" in path or "{visitor}" in path or "/operator/" in path:
            continue
        content = yaml if path.endswith("/config") and method == "PUT" else attacks.stolen(practice.version).get(path)
        if content is None and "requestBody" in operation:
            continue
        etag = practice.owner.ask("GET", practice.filled(path, conversation), status=ANY).headers.get("ETag", '"0"')
        more = {"Content_Type": "application/yaml"} if isinstance(content, str) else {}
        url = practice.filled(path, conversation)
        content = content if method not in ("GET", "DELETE") else None
        refused(rival.owner.ask(method, url, content, status=ANY, If_Match=etag, **more), 404)
    refused(rival.owner.ask("POST", "/api/widgets", {"agent_id": practice.agent}, status=ANY), 404, 422)
    stolen = {"cap": None, "agent_caps": {practice.agent: {"amount": "1", "currency": "USD"}}}
    refused(rival.set_budgets(stolen, ANY), 422)
    assert practice.everything(conversation) == before


def test_a_stale_etag_changes_nothing(practice: Practice) -> None:
    path = f"/api/my-agents/{practice.agent}"
    etag = practice.owner.etag(path)
    practice.owner.ask("PATCH", path, {"note": "first"}, If_Match=etag)
    refused(practice.owner.ask("PATCH", path, {"note": "second"}, status=ANY, If_Match=etag), 412, code="stale")
    refused(practice.owner.ask("PATCH", path, {"note": "third"}, status=ANY), 428, code="etag_required")
    refused(practice.owner.ask("PATCH", path, {"note": "fourth"}, status=ANY, If_Match="bare"), 400)
    assert practice.owner.get(path)["note"] == "first"


def test_a_key_used_again_gives_the_first_answer_and_refuses_another_body(practice: Practice) -> None:
    key = uuid.uuid4().hex
    first = practice.owner.ask("POST", "/api/agents", {"name": "Twin"}, key=key)
    again = practice.owner.ask("POST", "/api/agents", {"name": "Twin"}, key=key)
    assert (again.content, again.headers["Idempotent-Replayed"]) == (first.content, "true")
    refused(practice.owner.ask("POST", "/api/agents", {"name": "Other"}, key=key, status=ANY), 409)
    names = [one["name"] for one in practice.owner.get("/api/agents?page_size=100")["items"]]
    assert (names.count("Twin"), names.count("Other")) == (1, 0)
    said = practice.turn(key=key)
    assert practice.turn(key=key).content == said.content
    refused(practice.turn("Another question", key), 409)
    chat = f"/api/agents/{practice.agent}/chat"
    refused(practice.owner.ask("POST", chat, {"message": "x"}, key=False, status=ANY), 400)


def test_forged_headers_make_nobody_somebody_else(practice: Practice, rival: Practice) -> None:
    claims = base64.urlsafe_b64encode(
        json.dumps(jwt.decode(practice.owner.token, options={"verify_signature": False})).encode()
    ).decode()
    lies = {"X-Apigateway-Api-Userinfo": claims, "X-Forwarded-Authorization": f"Bearer {practice.owner.token}"}
    http, gateway = practice.owner.http, practice.stack.gateway
    refused(http.get(f"{gateway}/api/workspace", headers=lies), 401)
    mine = http.get(f"{gateway}/api/workspace", headers={**lies, "Authorization": f"Bearer {rival.owner.token}"})
    assert mine.json()["id"] == rival.id
    opened = practice.session(**{"X-Apigateway-Api-Userinfo": claims})
    assert opened.status_code == 201
    refused(practice.session("https://evil.example", **lies), 403, code="origin_not_allowed")
    refused(practice.session(**{"X-Forwarded-Authorization": "Bearer nonsense"}), 401)
    form = {"grant_type": "client_credentials"}
    refused(http.post(f"{gateway}/oauth/token", data=form, headers=lies), 401, code="invalid_client")
    direct = practice.stack.facts["deployments"]["dashboard-api"]
    assert http.get(f"{direct}/api/workspace", headers=lies).status_code == 403


@pytest.mark.parametrize("what", attacks.FORGERIES)
def test_a_token_that_is_not_what_it_says_opens_nothing(practice: Practice, what: str) -> None:
    attacker = Client(practice.stack.gateway)
    attacker.token = forged(practice, what)
    # For the audience the gateway says 403, as Google's does.
    for path in ("/api/workspace", "/api/agents", "/api/billing"):
        refused(attacker.ask("GET", path, status=ANY), 403 if what == "another audience" else 401)


def test_each_token_opens_its_own_routes_only(practice: Practice) -> None:
    visitor = practice.visitor()
    _, reader = practice.key("read")
    key, writer = practice.key("read", "write", "chat")
    for method, path, operation in attacks.SECURED:
        allowed = {name for entry in operation["security"] for name in entry}
        url = practice.filled(path)
        if "visitor" not in allowed:
            refused(visitor.ask(method, url, {}, status=ANY), 401, 403)
        if "machine" not in allowed:
            refused(writer.ask(method, url, {}, status=ANY, If_Match='"0"'), 401, 403)
        if "/operator/" in path:
            refused(practice.owner.ask(method, url, {} if method == "POST" else None, status=ANY), 403)
    refused(reader.ask("POST", "/api/agents", {"name": "x"}, status=ANY), 403, code="scope_missing")
    assert writer.get("/api/agents")["items"]
    practice.owner.ask("DELETE", f"/api/workspace/api-keys/{key}")
    refused(writer.ask("GET", "/api/agents", status=ANY), 401, code="key_revoked")
    form = {"grant_type": "client_credentials", "client_id": key, "client_secret": "x"}
    refused(writer.http.post(f"{writer.gateway}/oauth/token", data=form), 401, code="invalid_client")


def test_only_pages_of_the_owner_open_a_chat_and_only_of_an_active_agent(practice: Practice) -> None:
    for origin in ("https://evil.example", "null", ORIGIN + ".evil.example", ORIGIN + "/", "", None):
        refused(practice.session(origin), 403, code="origin_not_allowed")
    visitor = practice.visitor()
    practice.set_status("paused")
    try:
        refused(practice.session(), 409, code="agent_paused")
        refused(visitor.ask("POST", "/api/chat", {"message": QUESTION}, status=ANY), 409, code="agent_paused")
        assert visitor.get("/api/chat")["messages"] == []
    finally:
        practice.set_status("active")
    assert HOURS[:20] in visitor.ask("POST", "/api/chat", {"message": QUESTION}).json()["message"]["text"]


@pytest.mark.parametrize("deployment", PUSHES)
def test_envelopes_that_are_not_ours_are_refused_at_every_door(
    practice: Practice, documents: firestore.Client, deployment: str
) -> None:
    quiet(documents, practice)
    url = f"{practice.stack.facts['deployments'][deployment]}/events/{PUSHES[deployment]}"
    counted, charged = practice.turns_counted(), practice.charged()
    http = practice.owner.http
    ours = {"Authorization": f"Bearer {id_token(practice.stack, 'push', deployment)}"}
    for found in attacks.envelopes(practice.id).values():
        refused(http.post(url, json=found, headers=ours), 400, code="not_an_event")
    refused(http.post(url, data=b"{", headers={**ours, "Content-Type": "application/json"}), 400)
    found = envelope({"workspace_id": practice.id}, workspace_id=practice.id, event_id="")
    strangers = {
        "nobody": "",
        "an owner": practice.owner.token,
        "the gateway": id_token(practice.stack, "gateway", deployment),
        "push for somewhere else": id_token(practice.stack, "push", deployment, "https://elsewhere.example"),
    }
    for who, token in strangers.items():
        answer = http.post(url, json=found, headers={"Authorization": f"Bearer {token}"} if token else {})
        assert answer.status_code in (401, 403), who
    through = f"{practice.stack.gateway}/events/{PUSHES[deployment]}"
    refused(http.post(through, json=found, headers=ours), 404)
    assert (practice.turns_counted(), practice.charged()) == (counted, charged)


MARKUP = "\"'><script>alert(1)</script>{{7*7}}${7*7}\u202e\u2067\u05e9\u05dc\u05d5\u05dd\U0001f9b7"


def test_markup_and_every_script_are_text_and_nothing_else(practice: Practice) -> None:
    owner = practice.owner
    made = owner.ask("POST", "/api/widgets", {"agent_id": practice.agent, "name": MARKUP, "allowed_origins": [ORIGIN]})
    assert made.json()["name"] == MARKUP
    assert "alert" not in owner.ask("GET", f"/api/widgets/{made.json()['id']}/embed").text
    widget = made.json()["id"]
    texts = {"texts": {"en": {"greeting": MARKUP}}}
    owner.ask("PATCH", f"/api/widgets/{widget}", texts, If_Match=made.headers["ETag"])
    public = owner.http.get(f"{practice.stack.gateway}/v1/w/{widget}.json")
    assert (public.headers["Content-Type"], public.json()["texts"]["en"]["greeting"]) == ("application/json", MARKUP)
    said = practice.turn((MARKUP * 200)[:4000])
    assert (said.status_code, said.headers["X-Content-Type-Options"]) == (200, "nosniff")
    (turn,) = practice.transcript(said.json()["conversation_id"])
    assert turn["message"] == (MARKUP * 200)[:4000]
    refused(practice.turn((MARKUP * 200)[:4001]), 422)
    refused(practice.turn("\u3000\u2003"), 422)
    agent = owner.ask("POST", "/api/agents", {"name": MARKUP[:80]}).json()
    assert owner.get(f"/api/agents/{agent['id']}")["name"] == MARKUP[:80]
    assert "<script>alert" not in owner.http.get(f"{practice.stack.gateway}/docs").text


@pytest.mark.parametrize("what", attacks.BAD_BUDGETS)
def test_a_budget_that_is_no_money_changes_none(practice: Practice, what: str) -> None:
    before = practice.owner.get("/api/billing/budgets")
    refused(practice.set_budgets(attacks.BAD_BUDGETS[what], ANY), 422)
    assert practice.owner.get("/api/billing/budgets") == before


def test_a_cap_below_what_is_spent_refuses_every_turn_until_it_is_raised(practice: Practice) -> None:
    wide = {"visitor_hour_share": "1", "visitor_day_share": "1"}
    practice.turn()
    practice.set_budgets({"cap": {"amount": "0.000001", "currency": "USD"}, **wide})
    body = refused(practice.turn(), 402, code="cap_reached")
    refused(practice.visitor().ask("POST", "/api/chat", {"message": QUESTION}, status=ANY), 402, code="cap_reached")
    assert "cap" in body["detail"]
    practice.set_budgets({"cap": None, **wide})
    assert practice.turn().status_code == 200


@pytest.mark.parametrize("path", attacks.PATHS)
def test_a_path_that_leads_nowhere_says_so(practice: Practice, path: str) -> None:
    request = requests.Request("GET", practice.stack.gateway).prepare()
    request.url = practice.stack.gateway + path
    request.headers["Authorization"] = f"Bearer {practice.owner.token}"
    answer = practice.owner.http.send(request)
    assert answer.status_code == 404, answer.text
    assert "root:" not in answer.text


def test_methods_and_headers_that_nobody_takes_are_refused(practice: Practice) -> None:
    http, gateway = practice.owner.http, practice.stack.gateway
    signed = {"Authorization": f"Bearer {practice.owner.token}"}
    for path in {path for _, path, _ in attacks.OPERATIONS}:
        url = gateway + practice.filled(path)
        assert http.options(url, headers={"Origin": ORIGIN}).status_code == 204, path
        # As in Google's gateway, HEAD is a method like any other and no route declares it.
        assert http.head(url, headers=signed).status_code == 405, path
        refused(http.request("BREW", url, headers=signed), 405)
    refused(http.options(f"{gateway}/api/nothing"), 404)
    for size in (20_000, 200_000):
        assert http.get(f"{gateway}/docs", headers={"X-Padding": "x" * size}).status_code in (400, 431)
    override = {**signed, "X-HTTP-Method-Override": "DELETE"}
    refused(http.get(f"{gateway}/api/agents", headers=override), 405)
    assert practice.owner.get("/api/agents")["items"]
