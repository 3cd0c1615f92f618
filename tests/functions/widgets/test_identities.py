"""Visitors whom the site has signed for: secrets that rotate, signatures that are checked, one visitor for each person."""

import warnings
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import jwt
import pytest
from werkzeug.test import TestResponse

from functions.shared import clock, firestore, ids
from functions.shared.identity import WorkspaceId
from functions.widgets import identities
from tests.cloud import Cloud
from tests.functions.rooms import Room, content, lose_answer
from tests.functions.shared.http import callers
from tests.functions.widgets.test_service import etag
from tests.functions.widgets.test_sessions import ask, claims, made, talk


def rotate(room: Room, workspace: WorkspaceId, widget: str, role: Any = "admin", **body: Any) -> TestResponse:
    path = f"/api/widgets/{widget}/identity-secret/rotate"
    return room.ask("POST", path, callers.person(role, workspace), body)


def signed(secret: str, subject: Any = "user-7", key: str | None = None, **claims: Any) -> str:
    payload = {"sub": subject, "exp": int(clock.now().timestamp()) + 3600, **claims}
    headers = {"kid": key} if key is not None else None
    return jwt.encode(
        {name: value for name, value in payload.items() if value is not None}, secret, "HS256", headers=headers
    )


def of_another_algorithm(secret: str) -> str:
    with warnings.catch_warnings():
        # The secret is short for this algorithm, which is not the point here.
        warnings.simplefilter("ignore")
        return jwt.encode({"sub": "u", "exp": int(clock.now().timestamp()) + 60}, secret, "HS512")


def test_a_secret_is_shown_once_and_stored_nowhere(room: Room, cloud: Cloud) -> None:
    workspace, _, widget = made(cloud)
    someone, path = callers.person("admin", workspace), f"/api/widgets/{widget}"
    answer = room.ask("POST", f"{path}/identity-secret/rotate", someone, {}, key="k1")
    assert answer.status_code == 201, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    made_now = content(answer)
    assert len(made_now["secret"]) == 43
    again = room.ask("POST", f"{path}/identity-secret/rotate", someone, {}, key="k1")
    assert (again.status_code, content(again)["code"]) == (409, "already_issued")
    shown = content(room.ask("GET", path, someone))
    assert [key["id"] for key in shown["identity_keys"]] == [made_now["id"]]
    assert made_now["secret"] not in str(firestore.get(f"workspaces/{workspace}/widgets/{widget}").data)
    assert rotate(room, workspace, widget, "member").status_code == 403
    entries = firestore.find(firestore.Query(f"workspaces/{workspace}/activity", order=("-at",), limit=1))
    assert entries[0].data["action"] == "widget.identity_rotated"
    assert made_now["secret"] not in str(entries[0].data)


def test_two_secrets_live_during_a_rotation_and_no_third(
    room: Room, public: Room, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, _, widget = made(cloud)
    first, second, third = (content(rotate(room, workspace, widget, overlap_hours=2)) for _ in range(3))
    assert [key["id"] for key in third["keys"]] == [third["id"], second["id"]]
    assert ask(public, widget, identity=signed(first["secret"])).status_code == 401
    for live in (second, third):
        assert ask(public, widget, identity=signed(live["secret"])).status_code == 201
        assert ask(public, widget, identity=signed(live["secret"], key=live["id"])).status_code == 201
    assert ask(public, widget, identity=signed(second["secret"], key=third["id"])).status_code == 401
    keys = firestore.get(f"workspaces/{workspace}/widgets/{widget}").data["identity_keys"]
    later = clock.now() + timedelta(hours=2, seconds=1)
    assert [key["id"] for key in identities.live(keys, later)] == [third["id"]]


def forget(someone: callers.Someone, key: str) -> None:
    """As if the key had never been used."""
    name = ids.hashed("idempotency", f"console:{someone.claims['workspace_id']}:{someone.claims['sub']}", key)
    assert firestore.get(f"idempotency/{name}").exists
    batch = firestore.Batch()
    batch.delete(f"idempotency/{name}")
    batch.commit()


@pytest.mark.parametrize("lose", [lose_answer, forget])
@pytest.mark.parametrize("hours", [0, 2])
def test_a_rotation_whose_answer_was_lost_is_not_made_again(
    room: Room, public: Room, cloud: Cloud, lose: Callable[[callers.Someone, str], None], hours: int
) -> None:
    workspace, _, widget = made(cloud)
    someone, path = callers.person("admin", workspace), f"/api/widgets/{widget}/identity-secret/rotate"
    before = content(rotate(room, workspace, widget))
    first = room.ask("POST", path, someone, {"overlap_hours": hours}, key="k1")
    for _ in range(2):
        lose(someone, "k1")
        again = room.ask("POST", path, someone, {"overlap_hours": hours}, key="k1")
        assert (again.status_code, content(again)) == (201, content(first))
    assert ask(public, widget, identity=signed(before["secret"])).status_code == (201 if hours else 401)
    assert ask(public, widget, identity=signed(content(first)["secret"])).status_code == 201
    told = [one.data["action"] for one in firestore.find(firestore.Query(f"workspaces/{workspace}/activity"))]
    assert told.count("widget.identity_rotated") == 2


def test_a_rotation_that_a_later_one_has_ended_is_not_brought_back_by_its_repeat(
    room: Room, public: Room, cloud: Cloud
) -> None:
    workspace, _, widget = made(cloud)
    someone, path = callers.person("admin", workspace), f"/api/widgets/{widget}/identity-secret/rotate"
    leaked = content(room.ask("POST", path, someone, {}, key="k1"))
    latest = content(rotate(room, workspace, widget, overlap_hours=0))
    lose_answer(someone, "k1")
    refused = room.ask("POST", path, someone, {}, key="k1")
    assert (refused.status_code, content(refused)["code"]) == (409, "rotated_since")
    assert ask(public, widget, identity=signed(leaked["secret"])).status_code == 401
    assert ask(public, widget, identity=signed(latest["secret"])).status_code == 201


def test_a_secret_that_leaked_ends_at_once(room: Room, public: Room, cloud: Cloud) -> None:
    workspace, _, widget = made(cloud)
    leaked = content(rotate(room, workspace, widget))
    new = content(rotate(room, workspace, widget, overlap_hours=0))
    refused = ask(public, widget, identity=signed(leaked["secret"]))
    assert (refused.status_code, content(refused)["code"]) == (401, "identity_refused")
    assert ask(public, widget, identity=signed(new["secret"])).status_code == 201


def test_a_rotation_that_is_repeated_never_lengthens_a_keys_life() -> None:
    now = datetime.fromisoformat("2026-11-25T12:00:00+00:00")
    keys = identities.rotated([], timedelta(hours=1), now, by="first")
    keys = identities.rotated(keys, timedelta(hours=1), now, by="second")
    old = keys[1]
    keys = identities.rotated(keys, timedelta(hours=300), now + timedelta(minutes=30), by="third")
    assert len(keys) == 2
    assert old["id"] not in {key["id"] for key in keys}


def test_a_person_is_the_same_visitor_on_every_device_and_in_every_widget(
    room: Room, public: Room, cloud: Cloud
) -> None:
    workspace, _, widget = made(cloud)
    secret = content(rotate(room, workspace, widget))["secret"]
    first = ask(public, widget, identity=signed(secret, name="Ada", email="ada@example.com"))
    second = ask(public, widget, identity=signed(secret), address="203.0.113.9")
    other = ask(public, widget, identity=signed(secret, "user-8"))
    visitor = content(first)["visitor_id"]
    assert visitor == content(second)["visitor_id"] == str(identities.visitor_of(workspace, "user-7"))
    assert visitor != content(other)["visitor_id"]
    assert visitor != identities.visitor_of(cloud.workspace(), "user-7")
    assert content(first)["session_id"] != content(second)["session_id"]
    kept = firestore.get(f"workspaces/{workspace}/visitors/{visitor}").data
    assert kept.keys() == {"seen_at", "expire_at", "identified"}
    assert claims(first)["new_visitor"] is True
    talk(workspace, visitor)
    assert claims(ask(public, widget, identity=signed(secret)))["new_visitor"] is False
    found = room.ask("GET", "/api/visitor-id?subject=user-7", callers.person("viewer", workspace))
    assert content(found) == {"visitor_id": visitor}


def test_another_persons_token_begins_a_session_of_its_own(room: Room, public: Room, cloud: Cloud) -> None:
    workspace, _, widget = made(cloud)
    secret = content(rotate(room, workspace, widget))["secret"]
    ada = content(ask(public, widget, identity=signed(secret, "ada")))
    same = content(ask(public, widget, bearer=ada["token"], identity=signed(secret, "ada")))
    assert (same["session_id"], same["visitor_id"]) == (ada["session_id"], ada["visitor_id"])
    renewed = content(ask(public, widget, bearer=ada["token"]))
    assert (renewed["session_id"], renewed["visitor_id"]) == (ada["session_id"], ada["visitor_id"])
    bob = content(ask(public, widget, bearer=ada["token"], identity=signed(secret, "bob")))
    assert bob["session_id"] != ada["session_id"]
    assert bob["visitor_id"] == identities.visitor_of(workspace, "bob")


def test_a_widget_may_demand_to_be_told_who_its_visitor_is(room: Room, public: Room, cloud: Cloud) -> None:
    workspace, _, widget = made(cloud)
    someone, path = callers.person("member", workspace), f"/api/widgets/{widget}"
    anonymous = content(ask(public, widget))
    demand = {"identity_required": True}
    early = room.ask("PATCH", path, someone, demand, etag=etag(room.ask("GET", path, someone)))
    assert (early.status_code, content(early)["errors"][0]["pointer"]) == (422, "/identity_required")
    secret = content(rotate(room, workspace, widget))["secret"]
    assert room.ask("PATCH", path, someone, demand, etag=etag(room.ask("GET", path, someone))).status_code == 200
    for refused in (ask(public, widget), ask(public, widget, bearer=anonymous["token"])):
        assert (refused.status_code, content(refused)["code"]) == (401, "identity_required")
    known = content(ask(public, widget, identity=signed(secret)))
    assert ask(public, widget, bearer=known["token"]).status_code == 201
    made_so = {"agent_id": content(room.ask("GET", path, someone))["agent_id"], "identity_required": True}
    assert room.ask("POST", "/api/widgets", someone, made_so).status_code == 422


@pytest.mark.parametrize(
    "forged",
    [
        lambda secret: "nonsense",
        lambda secret: signed("x" * 43),
        lambda secret: signed(secret, None),
        lambda secret: signed(secret, ""),
        lambda secret: signed(secret, "x" * 201),
        lambda secret: signed(secret, exp=None),
        lambda secret: signed(secret, exp="soon"),
        lambda secret: signed(secret, exp=int(clock.now().timestamp()) - 120),
        lambda secret: signed(secret, exp=int(clock.now().timestamp()) + 90_000),
        lambda secret: signed(secret, key="another"),
        lambda secret: jwt.encode({"sub": "user-7", "exp": 4_000_000_000}, None, "none"),  # type: ignore[arg-type]
        lambda secret: of_another_algorithm(secret),
    ],
)
def test_an_identity_that_is_forged_or_out_of_time_is_refused(
    room: Room, public: Room, cloud: Cloud, forged: Any
) -> None:
    workspace, _, widget = made(cloud)
    secret = content(rotate(room, workspace, widget))["secret"]
    refused = ask(public, widget, identity=forged(secret))
    assert (refused.status_code, content(refused)["code"]) == (401, "identity_refused")
    assert secret not in refused.text


def test_another_widgets_secret_signs_nothing_here(room: Room, public: Room, cloud: Cloud) -> None:
    workspace, _, widget = made(cloud)
    foreign = content(rotate(room, *made(cloud)[::2]))["secret"]
    content(rotate(room, workspace, widget))
    assert ask(public, widget, identity=signed(foreign)).status_code == 401


def test_without_an_installation_key_nothing_is_made(room: Room, cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    from functions.shared import config

    workspace, _, widget = made(cloud)
    monkeypatch.delenv("INSTALLATION_KEY")
    config.settings.cache_clear()
    refused = rotate(room, workspace, widget)
    assert (refused.status_code, content(refused)["code"]) == (503, "no_installation_key")
    shown = room.ask("GET", f"/api/widgets/{widget}", callers.person("viewer", workspace))
    assert content(shown)["identity_keys"] == []
