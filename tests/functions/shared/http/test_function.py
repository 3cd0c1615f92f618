"""The edge as a caller meets it, through the real functions-framework."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from functions.shared import ids
from tests.functions.shared.http.callers import invoker, machine, person, visitor, write


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def test_an_answer_is_the_model_as_json(client: FlaskClient) -> None:
    ann = person()
    answer = client.post("/api/things", json={"name": "x", "when": "2026-11-25T12:00:00Z"}, headers=ann.headers())
    assert answer.status_code == 201
    assert answer.content_type == "application/json"
    assert answer.headers["Location"] == "/api/things/x"
    assert answer.json["workspace"] == ann.claims["workspace_id"]
    assert answer.json["when"] == "2026-11-25T12:00:00Z"


def test_none_is_204_without_a_body(client: FlaskClient) -> None:
    answer = client.delete("/api/things/x", headers=person("admin").headers(If_Match='"1.0"'))
    assert answer.status_code == 204
    assert answer.data == b""


def test_a_slash_at_the_end_makes_no_difference(client: FlaskClient) -> None:
    assert client.get("/api/me/", headers=visitor().headers()).status_code == 200


def test_an_unknown_path_is_a_problem(client: FlaskClient) -> None:
    answer = client.get("/api/nothing", headers=invoker())
    assert answer.status_code == 404
    assert answer.content_type == "application/problem+json"
    assert answer.json["code"] == "not_found"
    assert answer.json["request_id"] == answer.headers["X-Request-ID"]


def test_a_wrong_method_says_which_are_right(client: FlaskClient) -> None:
    answer = client.put("/api/things/x", headers=invoker())
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "DELETE, GET, HEAD, OPTIONS, PATCH"


def test_head_is_get_without_the_body(client: FlaskClient) -> None:
    headers = visitor().headers()
    whole, head = client.get("/api/me", headers=headers), client.head("/api/me", headers=headers)
    assert head.status_code == 200
    assert head.data == b""
    assert head.headers["Content-Length"] == whole.headers["Content-Length"]


def test_an_unknown_exception_says_nothing_and_logs_everything(
    client: FlaskClient, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = client.post("/api/crash", headers=invoker())
    assert answer.status_code == 500
    assert answer.json["code"] == "internal"
    assert "swordfish" not in answer.text
    assert "X-Google-Status" not in answer.headers
    logged = lines(capsys.readouterr().out)
    assert any(line["severity"] == "ERROR" and "swordfish" in line["stack_trace"] for line in logged)


def test_each_request_is_one_line_with_its_operations(client: FlaskClient, capsys: pytest.CaptureFixture[str]) -> None:
    ann = person()
    capsys.readouterr()
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    client.get("/api/things/x", headers=ann.headers(traceparent=trace, X_Request_ID="mine-1"))
    [line] = lines(capsys.readouterr().out)
    assert line["route"] == "/api/things/{thing}"
    assert line["status"] == 200
    assert line["operations"] == {"firestore_reads": 2}
    assert line["workspace_id"] == ann.claims["workspace_id"]
    assert line["request_id"] == "mine-1"
    assert line["logging.googleapis.com/trace"] == "projects/agenthub-local/traces/0af7651916cd43dd8448eb211c80319c"


def test_request_id_and_trace_are_taken_on_or_made(client: FlaskClient) -> None:
    mine = client.get("/health", headers={"X-Request-ID": "a.b-1", "traceparent": f"00-{'a' * 32}-{'b' * 16}-01"})
    assert mine.headers["X-Request-ID"] == "a.b-1"
    assert mine.headers["traceparent"].startswith(f"00-{'a' * 32}-")
    bad = client.get("/health", headers={"X-Request-ID": "a b" * 99, "traceparent": f"00-{'0' * 32}-{'b' * 16}-01"})
    assert bad.headers["X-Request-ID"].startswith("req_")
    assert "0" * 32 not in bad.headers["traceparent"]


def test_a_console_page_may_read_the_console_api_only_from_its_origin(client: FlaskClient) -> None:
    ours = client.options("/api/things", headers={"Origin": "https://console.example"})
    assert ours.status_code == 204
    assert ours.headers["Access-Control-Allow-Origin"] == "https://console.example"
    assert ours.headers["Access-Control-Allow-Methods"] == "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"
    assert "Idempotency-Key" in ours.headers["Access-Control-Allow-Headers"]
    foreign = client.options("/api/things", headers={"Origin": "https://evil.example"})
    assert foreign.status_code == 204
    assert "Access-Control-Allow-Origin" not in foreign.headers


def test_a_visitors_page_may_ask_from_any_origin_and_read_refusals(client: FlaskClient) -> None:
    origin = {"Origin": "https://shop.example"}
    assert client.options("/api/chat", headers=origin).headers["Access-Control-Allow-Origin"] == origin["Origin"]
    refused = client.post("/api/chat", headers={**invoker(), **origin})
    assert refused.status_code == 401
    assert refused.headers["Access-Control-Allow-Origin"] == origin["Origin"]
    assert "Origin" in refused.headers["Vary"]


def test_options_of_an_unknown_path_is_404(client: FlaskClient) -> None:
    assert client.options("/api/nothing").status_code == 404


def test_an_etag_travels_and_saves_the_body(client: FlaskClient) -> None:
    ann = person()
    write(f"workspaces/{ann.claims['workspace_id']}/things/x", {"name": "first"})
    first = client.get("/api/things/x", headers=ann.headers())
    etag = first.headers["ETag"]
    again = client.get("/api/things/x", headers=ann.headers(If_None_Match=etag))
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", etag)
    changed = client.patch("/api/things/x", json={"name": "second"}, headers=ann.headers(If_Match=etag))
    assert changed.status_code == 200
    stale = client.patch("/api/things/x", json={"name": "third"}, headers=ann.headers(If_Match=etag))
    assert (stale.status_code, stale.json["code"]) == (412, "stale")
    fresh = client.patch("/api/things/x", json={"name": "third"}, headers=ann.headers(If_Match=changed.headers["ETag"]))
    assert fresh.status_code == 200


@pytest.mark.parametrize(("etag", "status"), [(None, 428), ("*", 428), ("bare", 400), ('"nonsense"', 412)])
def test_a_write_needs_the_etag_it_read(client: FlaskClient, etag: str | None, status: int) -> None:
    headers = person().headers(**({} if etag is None else {"If_Match": etag}))
    assert client.patch("/api/things/x", json={"name": "x"}, headers=headers).status_code == status


def test_a_repeat_returns_the_first_answer(client: FlaskClient) -> None:
    ann = person()
    first = client.post("/api/things", json={"name": "x"}, headers=ann.headers(Idempotency_Key="k1"))
    again = client.post("/api/things", json={"name": "x"}, headers=ann.headers(Idempotency_Key="k1"))
    assert first.status_code == again.status_code == 201
    assert first.data == again.data
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["Idempotent-Replayed"] == "true"
    other = client.post("/api/things", json={"name": "y"}, headers=ann.headers(Idempotency_Key="k1"))
    assert (other.status_code, other.json["code"]) == (409, "idempotency_conflict")


def test_a_key_belongs_to_its_caller(client: FlaskClient) -> None:
    ann, bob = person(), person()
    first = client.post("/api/things", json={"name": "x"}, headers=ann.headers(Idempotency_Key="k1"))
    second = client.post("/api/things", json={"name": "x"}, headers=bob.headers(Idempotency_Key="k1"))
    assert first.json["run"] != second.json["run"]


def test_the_same_key_in_another_workspace_is_another_key(client: FlaskClient) -> None:
    ann, other = person(), ids.new("workspace")
    first = client.post("/api/things", json={"name": "x"}, headers=ann.headers(Idempotency_Key="k1"))
    write(f"workspaces/{other}/members/{ann.claims['sub']}", {"role": "member"})
    ann.changes["workspace_id"] = other
    second = client.post("/api/things", json={"name": "x"}, headers=ann.headers(Idempotency_Key="k1"))
    assert second.json["workspace"] == other != first.json["workspace"]


def test_a_refusal_is_not_kept_for_it_changed_nothing(client: FlaskClient) -> None:
    ann = person()
    first = client.post("/api/things", json={"name": "capped"}, headers=ann.headers(Idempotency_Key="k1"))
    again = client.post("/api/things", json={"name": "capped"}, headers=ann.headers(Idempotency_Key="k1"))
    assert first.status_code == again.status_code == 402
    assert first.json["detail"] != again.json["detail"]


def test_a_secret_is_shown_once(client: FlaskClient) -> None:
    ann = person()
    first = client.post("/api/things/x/key", headers=ann.headers(Idempotency_Key="k1"))
    assert (first.json["name"], first.headers["Cache-Control"]) == ("secret", "no-store")
    again = client.post("/api/things/x/key", headers=ann.headers(Idempotency_Key="k1"))
    assert (again.status_code, again.json["code"]) == (409, "already_issued")


def test_a_required_key_is_required(client: FlaskClient) -> None:
    answer = client.post("/api/things/x/key", headers=person().headers())
    assert (answer.status_code, answer.json["code"]) == (400, "idempotency_required")
    empty = client.post("/api/things/x/key", headers=person().headers(Idempotency_Key="k" * 256))
    assert (empty.status_code, empty.json["code"]) == (400, "idempotency_key_bad")


def test_health_touches_nothing(client: FlaskClient, capsys: pytest.CaptureFixture[str]) -> None:
    answer = client.get("/health")
    assert answer.json == {"status": "healthy", "service": "sample-api", "version": "local"}
    assert lines(capsys.readouterr().out)[0]["operations"] == {}


def test_deep_health_names_what_does_not_work_and_not_why(client: FlaskClient) -> None:
    answer = client.get("/health?deep=1")
    assert answer.status_code == 503
    assert answer.json["checks"]["firestore"]["status"] == "healthy"
    assert answer.json["checks"]["fails"]["status"] == "unhealthy"
    assert "swordfish" not in answer.text


def test_the_contract_and_its_page_are_there(client: FlaskClient) -> None:
    assert client.get("/openapi.json").json["openapi"] == "3.0.4"
    page = client.get("/docs")
    assert "/api/things/{thing}" in page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert client.post("/docs").status_code == 405


def test_bytes_come_back_as_they_are(client: FlaskClient) -> None:
    headers = person().headers(Content_Type="application/yaml")
    answer = client.post("/api/things/x/config", data="a: 1 # note", headers=headers)
    assert (answer.data, answer.content_type) == (b"a: 1 # note", "application/yaml")
    assert answer.headers["Content-Disposition"] == "attachment"


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        (None, "application/json"),
        ("*/*", "application/json"),
        ("text/csv", "text/csv"),
        ("application/json;q=0.5, text/csv", "text/csv"),
        ("text/html", "application/json"),
    ],
)
def test_what_the_client_prefers_of_json_and_what_a_route_produces_is_known(
    client: FlaskClient, accept: str | None, chosen: str
) -> None:
    headers = person().headers() | ({} if accept is None else {"Accept": accept})
    answer = client.get("/api/table", headers=headers)
    assert (answer.status_code, answer.content_type) == (200, chosen)


def test_basic_credentials_come_where_they_are_declared(client: FlaskClient) -> None:
    headers = {**invoker(), "X-Forwarded-Authorization": "Basic a2V5XzE6cGFzczp3b3Jk"}
    form = {"grant_type": "client_credentials"}
    assert client.post("/oauth/token", data=form, headers=headers).json == {"user": "key_1", "password": "pass:word"}
    headers["X-Forwarded-Authorization"] = "Basic ?"
    assert client.post("/oauth/token", data=form, headers=headers).json == {"user": None, "password": None}


def test_pubsub_and_the_scheduler_come_by_their_accounts(client: FlaskClient) -> None:
    assert client.post("/events/usage-recorded", json={}, headers=invoker("push")).status_code == 204
    time = {"X-CloudScheduler-ScheduleTime": "2027-01-01T00:10:00Z"}
    assert client.post("/schedules/sample-close", headers={**invoker("scheduler"), **time}).status_code == 204
    assert client.post("/schedules/sample-close", headers=invoker("push")).status_code == 403
    assert client.post("/events/usage-recorded", json={}, headers=person().headers()).status_code == 403
    broken = {**invoker("scheduler"), "X-CloudScheduler-ScheduleTime": "soon"}
    assert client.post("/schedules/sample-close", headers=broken).status_code == 400


def test_the_clients_address_is_what_the_gateway_saw(client: FlaskClient) -> None:
    headers = {**invoker(), "X-Forwarded-For": "1.1.1.1, 203.0.113.9"}
    assert client.post("/api/open", headers=headers).json["address"] == "203.0.113.9"


def test_a_list_reads_its_query(client: FlaskClient) -> None:
    answer = client.get("/api/things?page_size=5&kind=a&kind=b", headers=machine().headers())
    assert [item["name"] for item in answer.json["items"]] == ["a", "b"]
    assert answer.json["items"][0]["run"] == 5


def test_a_foreign_workspace_in_the_path_of_an_operator_is_checked_for_its_form(client: FlaskClient) -> None:
    operator = person(None, operator=True)
    right = ids.new("workspace")
    assert client.get(f"/api/operator/workspaces/{right}", headers=operator.headers()).status_code == 200
    assert client.get("/api/operator/workspaces/x", headers=operator.headers()).status_code == 404
