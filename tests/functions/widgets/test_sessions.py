"""Visitors' sessions through the real, public edge of widgets-public."""

import json
from datetime import timedelta
from typing import Any

import jwt
import pytest
from werkzeug.test import TestResponse

from functions.shared import clock, config, directory, firestore, ids, visitors
from functions.shared.errors import TooMany
from functions.shared.identity import WorkspaceId, tokens
from functions.widgets import service, sessions
from functions.widgets.models import NewWidget
from infra import cost
from local.identity.keys import Keyring, system_key
from tests.cloud import Cloud
from tests.functions.rooms import Google, Room, agent, content, write
from tests.functions.shared.http import callers

PAGE = "https://shop.example"


def made(cloud: Cloud, **fields: Any) -> tuple[WorkspaceId, str, str]:
    """A workspace, its active agent and a widget that PAGE may show."""
    workspace = cloud.workspace()
    name = agent(workspace)
    new = NewWidget(agent_id=name, allowed_origins=[PAGE], **fields)
    return workspace, name, service.create(cloud.call(workspace), new)[0].id


def ask(
    public: Room,
    widget: str,
    *,
    origin: str | None = PAGE,
    bearer: str = "",
    address: str = "203.0.113.1",
    **body: Any,
) -> TestResponse:
    """What the widget's script sends."""
    headers = {"X_Forwarded_For": address}
    if origin is not None:
        headers["Origin"] = origin
    if bearer:
        headers["X_Forwarded_Authorization"] = f"Bearer {bearer}"
    return public.ask("POST", f"/api/widgets/{widget}/sessions", body=body, **headers)


def claims(answer: TestResponse) -> dict[str, Any]:
    found: dict[str, Any] = jwt.decode(content(answer)["token"], options={"verify_signature": False})
    return found


def talk(workspace: WorkspaceId, visitor: str) -> None:
    """The visitor's first turn begins, as agents-chat writes it."""
    write(f"workspaces/{workspace}/conversations/{ids.conversation_of(ids.secret(8))}", {"visitor_id": visitor})


def test_a_session_takes_what_the_sums_of_the_cost_count(
    public: Room, cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    widget = made(cloud)[2]
    capsys.readouterr()
    assert ask(public, widget).status_code == 201
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    (operations,) = (line["operations"] for line in told if "operations" in line)
    assert {name: number for name, number in operations.items() if not name.endswith("_ms")} == cost.COUNTED["session"]


def test_a_page_of_an_allowed_origin_gets_a_session(public: Room, cloud: Cloud) -> None:
    workspace, name, widget = made(cloud)
    opened = ask(public, widget)
    assert opened.status_code == 201, opened.text
    assert opened.headers["Cache-Control"] == "no-store"
    assert opened.headers["Access-Control-Allow-Origin"] == PAGE
    session, found = content(opened), claims(opened)
    assert found["workspace_id"] == workspace
    assert (found["widget_id"], found["agent_id"], found["origin"]) == (widget, name, PAGE)
    assert (found["sub"], found["session_id"]) == (session["visitor_id"], session["session_id"])
    assert found["new_visitor"] is True
    assert found["exp"] - found["iat"] == 1800
    seen = firestore.get(f"workspaces/{workspace}/visitors/{session['visitor_id']}")
    assert seen.data["expire_at"] - seen.data["seen_at"] == visitors.KEPT


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "https://shop.example.evil.example", "http://shop.example", "null", "", None]
)
def test_a_page_of_another_origin_gets_none(public: Room, cloud: Cloud, origin: str | None) -> None:
    _, _, widget = made(cloud)
    refused = ask(public, widget, origin=origin)
    assert (refused.status_code, content(refused)["code"]) == (403, "origin_not_allowed")


def test_without_allowed_origins_nobody_gets_a_session(public: Room, cloud: Cloud) -> None:
    workspace = cloud.workspace()
    widget = service.create(cloud.call(workspace), NewWidget(agent_id=agent(workspace)))[0].id
    assert ask(public, widget).status_code == 403
    assert ask(public, widget, origin="").status_code == 403


@pytest.mark.parametrize(
    "fleet", [{"status": "paused"}, {"status": "archived"}, {"status": "active", "gone": True}, {}]
)
def test_an_agent_that_is_not_active_opens_no_session(public: Room, cloud: Cloud, fleet: dict[str, Any]) -> None:
    workspace, name, widget = made(cloud)
    if fleet.pop("gone", False):
        fleet["deleted_at"] = clock.now()
    write(f"workspaces/{workspace}/fleet/{name}", fleet)
    refused = ask(public, widget)
    assert (refused.status_code, content(refused)["code"]) == (409, "agent_paused")


@pytest.mark.parametrize("state", ["suspended", "closing", "erased"])
def test_a_workspace_that_does_not_work_opens_and_renews_no_session(public: Room, cloud: Cloud, state: str) -> None:
    workspace, _, widget = made(cloud)
    first = content(ask(public, widget))["token"]
    batch = firestore.Batch()
    batch.update(f"workspaces/{workspace}", {("state",): state})
    batch.commit()
    for bearer in ("", first):
        refused = ask(public, widget, bearer=bearer)
        assert (refused.status_code, content(refused)["code"]) == (409, "workspace_suspended")


def test_a_widget_that_is_not_there_or_deleted_opens_no_session(public: Room, cloud: Cloud) -> None:
    workspace, _, widget = made(cloud)
    assert ask(public, widget).status_code == 201
    service.delete(cloud.call(workspace), widget)
    for name in (widget, ids.new("widget"), "wgt_1", "x"):
        assert ask(public, name).status_code == 404
    # A person's or a key's entry in the directory is no widget's.
    batch = firestore.Batch()
    directory.enter(batch, other := ids.new("widget"), workspace, "api_key")
    batch.commit()
    assert ask(public, other).status_code == 404


def test_a_forged_identity_on_this_public_route_is_nobodys(public: Room, cloud: Cloud) -> None:
    workspace, _, widget = made(cloud)
    owner = callers.person("owner", workspace)
    forged = {"X_Apigateway_Api_Userinfo": owner.headers()["X-Apigateway-Api-Userinfo"]}
    path = f"/api/widgets/{widget}/sessions"
    refused = public.ask("POST", path, body={}, Origin="https://evil.example", **forged)
    assert refused.status_code == 403
    opened = public.ask("POST", path, body={}, Origin=PAGE, **forged)
    assert content(opened)["visitor_id"] != owner.claims["sub"]
    assert claims(opened)["sub"].startswith("vis_")


def test_an_address_that_asks_too_often_is_told_to_wait(
    public: Room, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, _, widget = made(cloud)
    monkeypatch.setattr(sessions, "by_address", sessions.Limiter(0))
    refused = ask(public, widget)
    assert (refused.status_code, content(refused)["code"]) == (429, "too_many")
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    monkeypatch.setattr(sessions, "by_address", sessions.Limiter(60))
    monkeypatch.setattr(sessions, "by_widget", sessions.Limiter(0))
    assert ask(public, widget).status_code == 429


def test_a_widget_may_ask_for_fewer_sessions_than_the_house_allows(public: Room, cloud: Cloud) -> None:
    narrow = made(cloud, sessions_per_address=2)[2]
    other = made(cloud)[2]
    assert [ask(public, narrow).status_code for _ in range(3)] == [201, 201, 429]
    assert ask(public, narrow, address="203.0.113.2").status_code == 201
    assert ask(public, other).status_code == 201
    quiet = made(cloud, sessions_per_minute=2)[2]
    found = [ask(public, quiet, address=f"203.0.113.{host}") for host in (5, 6, 7)]
    assert [answer.status_code for answer in found] == [201, 201, 429]
    assert 0 < int(found[-1].headers["Retry-After"]) <= 60


def test_a_limiter_counts_by_key_and_minute() -> None:
    limiter, now = sessions.Limiter(2, most_keys=3), clock.now().replace(second=50)
    for _ in range(2):
        limiter.take("a", now)
        limiter.take("b", now)
    with pytest.raises(TooMany) as refused:
        limiter.take("a", now)
    assert refused.value.headers == {"Retry-After": "10"}
    limiter.take("a", now + timedelta(seconds=10))
    # A flood of keys takes no memory without end.
    for number in range(100):
        limiter.take(str(number), now + timedelta(seconds=10))
    assert len(limiter._counts) <= 3


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", "unknown"),
        ("nonsense", "unknown"),
    ],
)
def test_a_household_counts_as_one(address: str, network: str) -> None:
    assert sessions.prefix(address) == network


def test_a_renewed_session_is_the_same_and_new_until_its_first_turn(public: Room, cloud: Cloud) -> None:
    workspace, _, widget = made(cloud)
    first = ask(public, widget)
    renewed = ask(public, widget, bearer=content(first)["token"])
    assert renewed.status_code == 201
    for name in ("session_id", "visitor_id"):
        assert content(renewed)[name] == content(first)[name]
    assert claims(renewed)["new_visitor"] is True
    talk(workspace, content(first)["visitor_id"])
    for bearer in (content(first)["token"], content(renewed)["token"]):
        assert claims(ask(public, widget, bearer=bearer))["new_visitor"] is False


def test_a_visitor_who_comes_back_is_the_same_person_in_a_new_session(public: Room, cloud: Cloud) -> None:
    workspace, _, widget = made(cloud)
    first = ask(public, widget)
    back = ask(public, widget, visitor=content(first)["token"])
    assert content(back)["visitor_id"] == content(first)["visitor_id"]
    assert content(back)["session_id"] != content(first)["session_id"]
    assert claims(back)["new_visitor"] is True, "nothing was said yet, so nothing was counted"
    talk(workspace, content(first)["visitor_id"])
    assert claims(ask(public, widget, visitor=content(back)["token"]))["new_visitor"] is False


def test_a_token_of_another_widget_or_page_renews_nothing(public: Room, cloud: Cloud) -> None:
    workspace, name, widget = made(cloud)
    token = content(ask(public, widget))["token"]
    both = NewWidget(agent_id=name, allowed_origins=[PAGE, "https://other.example"])
    neighbour = service.create(cloud.call(workspace), both)[0].id
    _, _, foreign = made(cloud)
    other_page = content(ask(public, neighbour, origin="https://other.example"))["token"]
    for answer in (
        ask(public, neighbour, bearer=token),
        ask(public, foreign, bearer=token),
        ask(public, neighbour, bearer=other_page),
        ask(public, widget, bearer=token + "x"),
        ask(public, widget, bearer="x.y.z"),
    ):
        assert answer.status_code == 401
    stranger = ask(public, foreign, visitor=token)
    assert stranger.status_code == 201
    assert content(stranger)["visitor_id"] != claims(ask(public, widget, bearer=token))["sub"]
    assert ask(public, widget, visitor="nonsense").status_code == 201


def test_a_machines_token_is_no_visitors(public: Room, cloud: Cloud) -> None:
    workspace, _, widget = made(cloud)
    token, _ = tokens.machine_token(workspace, ids.new("api_key"), now=clock.now())
    assert ask(public, widget, bearer=token).status_code == 401
    assert claims(ask(public, widget, visitor=token))["new_visitor"] is True


def test_a_session_that_ended_a_month_ago_is_over(public: Room, google: Google, cloud: Cloud) -> None:
    _, _, widget = made(cloud)
    old = claims(ask(public, widget))
    key = Keyring(google.engine.data / "keys").key(system_key(callers.account("visitors")))
    for days, status in ((29, 201), (31, 401)):
        bearer = key.token({**old, "exp": old["exp"] - days * 86400, "iat": old["iat"] - days * 86400})
        assert ask(public, widget, bearer=bearer).status_code == status


def test_without_the_signing_service_a_visitor_may_come_again(
    public: Room, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, _, widget = made(cloud)
    monkeypatch.setenv("IAM_CREDENTIALS_URL", "http://127.0.0.1:9")
    config.settings.cache_clear()
    refused = ask(public, widget)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
