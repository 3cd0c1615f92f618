"""Widgets through the real edge of widgets-api: stored, published without secrets, and embedded safely."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from werkzeug.test import TestResponse

from functions.shared import clock, directory, firestore, ids, publications, storage
from functions.shared.firestore import Query
from functions.shared.identity import WorkspaceId
from functions.widgets import public_files, service
from functions.widgets.models import NewWidget, WidgetChange
from tests.cloud import URL, Cloud, envelope
from tests.functions.rooms import Room, agent, content, lose_answer, write
from tests.functions.shared.http import callers

PUBLIC_FIELDS = {
    "widget",
    "name",
    "api_url",
    "chat_url",
    "theme",
    "texts",
    "default_locale",
    "avatar_url",
    "languages",
    "suggested_questions",
    "feedback",
    "rating",
    "hand_off",
    "pre_chat",
    "proactive",
}


def etag(response: TestResponse) -> str:
    found, _ = response.get_etag()
    assert found is not None
    return found


def published(widget: str) -> dict[str, Any] | None:
    found = storage.read("cdn", public_files.name_of(widget))
    return None if found is None else json.loads(found)


def made(cloud: Cloud, **fields: Any) -> tuple[WorkspaceId, str, str]:
    """A workspace, its agent and a widget of it."""
    workspace = cloud.workspace()
    name = agent(workspace)
    widget, _ = service.create(cloud.call(workspace), NewWidget(agent_id=name, **fields))
    return workspace, name, widget.id


def test_a_widget_is_made_once_for_a_key_and_published(room: Room, cloud: Cloud) -> None:
    workspace = cloud.workspace()
    name, someone = agent(workspace), callers.person("member", workspace)
    body = {"agent_id": name, "allowed_origins": ["https://Shop.example/"], "theme": {"name": "ocean"}}
    first = room.ask("POST", "/api/widgets", someone, body, key="k1")
    assert first.status_code == 201
    widget = content(first)
    assert (widget["allowed_origins"], widget["theme"]["name"]) == (["https://shop.example"], "ocean")
    assert content(room.ask("POST", "/api/widgets", someone, body, key="k1")) == widget
    assert len(content(room.ask("GET", "/api/widgets", someone))["items"]) == 1
    assert directory.find(widget["id"], "widget") == workspace
    read = room.ask("GET", first.headers["Location"], someone)
    assert (content(read), etag(read)) == (widget, etag(first))
    assert published(widget["id"]) is not None


def test_a_repeat_after_a_crash_finds_the_widget_that_was_made(room: Room, cloud: Cloud) -> None:
    workspace = cloud.workspace()
    body, someone = {"agent_id": agent(workspace)}, callers.person("member", workspace)
    first = room.ask("POST", "/api/widgets", someone, body, key="k1")
    lose_answer(someone, "k1")
    again = room.ask("POST", "/api/widgets", someone, body, key="k1")
    assert (again.status_code, content(again), etag(again)) == (201, content(first), etag(first))
    assert len(content(room.ask("GET", "/api/widgets", someone))["items"]) == 1


def test_the_public_file_has_the_documented_fields_and_no_secret(cloud: Cloud) -> None:
    workspace, name, widget = made(
        cloud,
        name="Internal name",
        allowed_origins=["https://shop.example"],
        turns_per_hour=7,
        theme={"name": "plum", "accent": "#112233"},
        texts={"de": {"greeting": "Hallo!"}},
    )
    found = published(widget)
    assert found is not None
    assert found.keys() == PUBLIC_FIELDS
    assert (found["widget"], found["name"], found["api_url"], found["chat_url"]) == (widget, "Front desk", URL, URL)
    assert found["theme"].keys() == {"mode", "position", "radius", "font", "light", "dark"}
    assert (found["theme"]["radius"], found["theme"]["light"]["accent"]) == (20, "#112233")
    assert found["theme"]["dark"]["bubble"] == "#251F30"
    assert found["languages"] == ["nl", "de", "en"]
    assert found["texts"] == {
        "de": {"greeting": "Hallo!"},
        "en": {"greeting": "Welcome!", "away": "We are closed."},
    }
    assert found["suggested_questions"] == ["When are you open?"]
    whole = json.dumps(found)
    for secret in (workspace, name, "Internal name", "shop.example", "never shown", "turns_per_hour"):
        assert secret not in whole


def test_the_public_file_is_cached_for_a_minute(cloud: Cloud) -> None:
    _, _, widget = made(cloud)
    blob = storage.client().bucket("cdn").get_blob(public_files.name_of(widget))
    assert (blob.content_type, blob.cache_control) == ("application/json", "public, max-age=60")


def test_a_widgets_own_words_win_over_the_agents(cloud: Cloud) -> None:
    _, _, widget = made(
        cloud, default_locale="de", texts={"de": {"away": "Zu."}}, suggested_questions=[], hand_off=False
    )
    found = published(widget)
    assert found is not None
    assert found["texts"] == {"de": {"greeting": "Welcome!", "away": "Zu."}}
    assert (found["suggested_questions"], found["hand_off"]) == ([], False)


def test_a_change_needs_the_etag_and_is_published(room: Room, cloud: Cloud) -> None:
    workspace, _, widget = made(cloud)
    someone, path = callers.person("member", workspace), f"/api/widgets/{widget}"
    read = etag(room.ask("GET", path, someone))
    assert room.ask("PATCH", path, someone, {"feedback": False}).status_code == 428
    assert room.ask("PATCH", path, someone, {"feedback": False}, etag="1.000000005").status_code == 412
    changed = room.ask("PATCH", path, someone, {"feedback": False}, etag=read)
    assert (changed.status_code, content(changed)["feedback"]) == (200, False)
    assert room.ask("PATCH", path, someone, {"feedback": True}, etag=read).status_code == 412
    found = published(widget)
    assert found is not None
    assert found["feedback"] is False
    entries = firestore.find(Query(f"workspaces/{workspace}/activity", order=("-at",)))
    assert (entries[0].data["action"], entries[0].data["after"]) == ("widget.changed", {"feedback": False})


def test_null_means_the_agents_questions_and_nothing_else(room: Room, cloud: Cloud) -> None:
    workspace, name, widget = made(cloud, suggested_questions=["Own?"], name="Site")
    someone, path = callers.person("member", workspace), f"/api/widgets/{widget}"
    nothing = dict.fromkeys(WidgetChange.model_fields)
    changed = room.ask("PATCH", path, someone, nothing, etag=etag(room.ask("GET", path, someone)))
    assert changed.status_code == 200, changed.text
    found = content(changed)
    assert (found["suggested_questions"], found["name"], found["agent_id"]) == (None, "Site", name)
    shown = published(widget)
    assert shown is not None
    assert shown["suggested_questions"] == ["When are you open?"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"allowed_origins": ["javascript:alert(1)"]}, "/allowed_origins/0"),
        ({"allowed_origins": ["https://shop.example/path"]}, "/allowed_origins/0"),
        ({"theme": {"accent": "red; background: url(x)"}}, "/theme/accent"),
        ({"theme": {"name": "neon"}}, "/theme/name"),
        ({"texts": {"<b>": {}}}, "/texts/<b>/[key]"),
        ({"texts": {"en": {"script": "x"}}}, "/texts/en/script"),
        ({"turns_per_hour": 0}, "/turns_per_hour"),
        ({"turns_per_hour": "5"}, "/turns_per_hour"),
        ({"secret": "x"}, "/secret"),
    ],
)
def test_what_a_widget_cannot_be_is_refused_by_pointer(room: Room, cloud: Cloud, body: Any, pointer: str) -> None:
    workspace = cloud.workspace()
    someone = callers.person("member", workspace)
    refused = room.ask("POST", "/api/widgets", someone, {"agent_id": agent(workspace), **body})
    assert refused.status_code == 422
    assert [error["pointer"] for error in content(refused)["errors"]] == [pointer]


def test_only_an_agent_of_the_workspace_can_be_embedded(room: Room, cloud: Cloud) -> None:
    workspace, _, widget = made(cloud)
    someone, foreign = callers.person("member", workspace), agent(cloud.workspace())
    read = etag(room.ask("GET", f"/api/widgets/{widget}", someone))
    for name in (foreign, ids.new("agent"), "../x"):
        for answer in (
            room.ask("POST", "/api/widgets", someone, {"agent_id": name}),
            room.ask("PATCH", f"/api/widgets/{widget}", someone, {"agent_id": name}, etag=read),
        ):
            assert answer.status_code == 422
            assert content(answer)["errors"][0]["pointer"] == "/agent_id"


def test_a_deleted_agent_gets_no_widget_and_its_own_one_can_still_be_changed(room: Room, cloud: Cloud) -> None:
    workspace, name, widget = made(cloud)
    someone, other = callers.person("member", workspace), agent(workspace)
    for gone in (name, other):
        write(f"workspaces/{workspace}/fleet/{gone}", {"status": "active", "deleted_at": clock.now()})
    path = f"/api/widgets/{widget}"
    read = etag(room.ask("GET", path, someone))
    for answer in (
        room.ask("POST", "/api/widgets", someone, {"agent_id": name}),
        room.ask("PATCH", path, someone, {"agent_id": other}, etag=read),
    ):
        assert (answer.status_code, content(answer)["errors"][0]["pointer"]) == (422, "/agent_id")
    assert room.ask("PATCH", path, someone, {"name": "Later"}, etag=read).status_code == 200


def test_another_workspaces_widget_is_not_there(room: Room, cloud: Cloud) -> None:
    _, _, foreign = made(cloud)
    someone = callers.person("owner", cloud.workspace())
    for widget in (foreign, ids.new("widget"), "wgt_1"):
        for method, path in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("GET", "/embed")):
            found = room.ask(
                method, f"/api/widgets/{widget}{path}", someone, {} if method == "PATCH" else None, etag="1.5"
            )
            assert found.status_code == 404, (method, path)
    assert published(foreign) is not None
    assert content(room.ask("GET", "/api/widgets", someone))["items"] == []


def test_a_viewer_changes_nothing(room: Room, cloud: Cloud) -> None:
    workspace, name, widget = made(cloud)
    viewer = callers.person("viewer", workspace)
    for method, path, body in (
        ("POST", "", {"agent_id": name}),
        ("PATCH", f"/{widget}", {}),
        ("DELETE", f"/{widget}", None),
    ):
        refused = room.ask(method, f"/api/widgets{path}", viewer, body, etag="1.5")
        assert (refused.status_code, content(refused)["code"]) == (403, "role_too_low")
    assert room.ask("GET", f"/api/widgets/{widget}/embed", viewer).status_code == 200


def test_a_deleted_widget_is_gone_from_lists_pages_and_directory(room: Room, cloud: Cloud) -> None:
    workspace, _, widget = made(cloud)
    someone, path = callers.person("member", workspace), f"/api/widgets/{widget}"
    read = etag(room.ask("GET", path, someone))
    assert room.ask("DELETE", path, someone).status_code == 428
    assert room.ask("DELETE", path, someone, etag="1.000000005").status_code == 412
    assert published(widget) is not None
    assert room.ask("DELETE", path, someone, etag=read).status_code == 204
    assert (published(widget), directory.find(widget, "widget")) == (None, None)
    assert room.ask("GET", path, someone).status_code == 404
    assert content(room.ask("GET", "/api/widgets", someone))["items"] == []


def test_a_file_that_stayed_is_taken_away_by_deleting_again(room: Room, cloud: Cloud) -> None:
    workspace, _, widget = made(cloud)
    someone, path = callers.person("member", workspace), f"/api/widgets/{widget}"
    assert room.ask("DELETE", path, someone, etag=etag(room.ask("GET", path, someone))).status_code == 204
    storage.write("cdn", public_files.name_of(widget), b"{}", content_type="application/json")
    assert room.ask("DELETE", path, someone, etag="1.5").status_code == 404
    assert published(widget) is None


def test_the_list_tells_when_asked_when_each_was_last_used_by_one_read_more_for_each(
    room: Room, cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace, name, busy = made(cloud)
    quiet, _ = service.create(cloud.call(workspace), NewWidget(agent_id=name))
    foreign = made(cloud)[2]
    latest = clock.now()
    talks = [(busy, timedelta(hours=hours)) for hours in range(1, 6)] + [(busy, timedelta(0)), (foreign, timedelta(0))]
    for widget, before in talks:
        talk = {"widget_id": widget, "updated_at": latest - before}
        write(f"workspaces/{workspace}/conversations/{ids.new('conversation')}", talk)
    someone = callers.person("member", workspace)

    def reads(path: str) -> tuple[Any, int]:
        capsys.readouterr()
        found = content(room.ask("GET", path, someone))["items"]
        told = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
        (operations,) = (line["operations"] for line in told if "operations" in line)
        return found, operations["firestore_reads"]

    bare, few = reads("/api/widgets")
    asked, more = reads("/api/widgets?use=true")
    assert [one["use"] for one in bare] == [None, None]
    assert {one["id"]: one["use"]["last_conversation_at"] for one in asked} == {
        busy: latest.isoformat().replace("+00:00", "Z"),
        quiet.id: None,
    }
    assert more - few == 2


def test_lists_page_over_deleted_ones_without_gaps(room: Room, cloud: Cloud) -> None:
    workspace = cloud.workspace()
    name, someone = agent(workspace), callers.person("member", workspace)
    widgets = [service.create(cloud.call(workspace), NewWidget(agent_id=name))[0].id for _ in range(5)]
    service.delete(cloud.call(workspace), widgets[3])
    first = content(room.ask("GET", "/api/widgets?page_size=2", someone))
    assert [one["id"] for one in first["items"]] == [widgets[4], widgets[2]]
    rest = content(room.ask("GET", f"/api/widgets?page_size=2&page_token={first['next_page_token']}", someone))
    assert [one["id"] for one in rest["items"]] == [widgets[1], widgets[0]]
    assert rest["next_page_token"] is None
    stranger = callers.person("member", cloud.workspace())
    foreign = room.ask("GET", f"/api/widgets?page_token={first['next_page_token']}", stranger)
    assert foreign.status_code == 422


def test_whoever_saves_at_the_same_time_the_file_is_that_of_the_last_save(cloud: Cloud) -> None:
    workspace, _, widget = made(cloud)

    def save(number: int) -> bool:
        try:
            service.change(cloud.call(workspace), widget, WidgetChange(suggested_questions=[f"Number {number}?"]))
        except firestore.Changed:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert any(pool.map(save, range(8)))
    last, _ = service.get(cloud.call(workspace), widget)
    shown = published(widget)
    assert shown is not None
    assert shown["suggested_questions"] == last.suggested_questions


def test_without_the_file_store_a_new_widget_is_made_and_the_embed_page_repairs_it(
    room: Room, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = cloud.workspace()
    name, someone = agent(workspace), callers.person("member", workspace)
    with monkeypatch.context() as without:
        without.setenv("STORAGE_EMULATOR_HOST", "http://127.0.0.1:9")
        without.setattr(storage, "SECONDS", 0.3)
        storage.client.cache_clear()
        widget = content(room.ask("POST", "/api/widgets", someone, {"agent_id": name}, key="k1"))["id"]
        path = f"/api/widgets/{widget}"
        read = etag(room.ask("GET", path, someone))
        unsaved = room.ask("PATCH", path, someone, {"feedback": False}, etag=read)
        assert (unsaved.status_code, unsaved.headers["Retry-After"]) == (503, "1")
    storage.client.cache_clear()
    assert published(widget) is None
    assert room.ask("GET", f"{path}/embed", someone).status_code == 200
    shown = published(widget)
    assert shown is not None
    assert shown["feedback"] is False


def test_publishing_an_agent_writes_the_files_of_its_widgets_again(room: Room, cloud: Cloud) -> None:
    workspace, name, widget = made(cloud)
    _, _, foreign = made(cloud)
    deleted = service.create(cloud.call(workspace), NewWidget(agent_id=name))[0].id
    service.delete(cloud.call(workspace), deleted)
    new = {"published_name": "Reception", "published_greeting": "Good day!", "published_languages": ["fr"]}
    batch = firestore.Batch()
    batch.update(f"workspaces/{workspace}/agents/{name}", {(field,): value for field, value in new.items()})
    event = publications.record(batch, workspace, name, ids.new("version"), now=clock.now())
    batch.commit()
    for _ in range(2):
        sent = envelope(event.row)
        answer = room.client.post("/events/agent-published", json=sent, headers=callers.invoker("push"))
        assert answer.status_code == 204, answer.text
    found = published(widget)
    assert found is not None
    assert (found["name"], found["texts"]["en"]["greeting"], found["languages"]) == (
        "Reception",
        "Good day!",
        ["fr", "en"],
    )
    assert published(deleted) is None
    other = published(foreign)
    assert other is not None
    assert other["name"] == "Front desk"


def test_a_preview_is_the_public_file_and_stores_nothing(room: Room, cloud: Cloud) -> None:
    workspace = cloud.workspace()
    body = {"agent_id": agent(workspace), "theme": {"accent": "#F2B84B"}, "pre_chat": {"fields": [{"kind": "email"}]}}
    found = content(room.ask("POST", "/api/widgets/preview", callers.person("member", workspace), body))
    assert found["public"].keys() == PUBLIC_FIELDS
    assert found["public"]["pre_chat"] == [{"kind": "email"}]
    assert [warning["pointer"] for warning in found["warnings"]] == ["/theme/accent"]
    assert content(room.ask("GET", "/api/widgets", callers.person("member", workspace)))["items"] == []


def test_faint_colours_are_saved_with_a_warning(room: Room, cloud: Cloud) -> None:
    workspace, someone = (space := cloud.workspace()), callers.person("member", space)
    saved = room.ask("POST", "/api/widgets", someone, {"agent_id": agent(workspace), "theme": {"accent": "#F2B84B"}})
    assert saved.status_code == 201
    [warning] = content(saved)["warnings"]
    found = published(content(saved)["id"])
    assert found is not None
    assert found["theme"]["light"]["accent"] == warning["nearest"]
    assert content(saved)["theme"]["accent"] == "#F2B84B"


def test_templates_are_offered_to_whoever_may_read(room: Room, cloud: Cloud) -> None:
    found = content(room.ask("GET", "/api/templates", callers.person("viewer", cloud.workspace())))
    assert [item["name"] for item in found["items"]] == ["paper", "ocean", "forest", "clay", "plum", "contrast"]
    assert found["items"][1]["preview"]["dark"].startswith("<svg ")
    assert len(found["languages"]) >= 12
