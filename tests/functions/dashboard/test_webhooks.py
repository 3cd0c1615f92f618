"""Webhooks over HTTP: who may handle them, what is shown once, and what sending by hand does."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from standardwebhooks import Webhook

from functions.dashboard import notifying, repository, signing, webhooks
from functions.shared import clock, config, firestore, ids
from functions.shared.identity.workspace import from_directory
from tests.cloud import Cloud
from tests.functions.dashboard.receiving import Receiver, receiver
from tests.functions.dashboard.test_notifying import issued
from tests.functions.rooms import Room, content, lose_answer
from tests.functions.shared.http import callers

URL = "https://hooks.example.com/agenthub?token=hush"


@pytest.fixture(autouse=True)
def signing_key(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEBHOOK_SIGNING_KEY", "k" * 40)
    config.settings.cache_clear()


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """A receiver on this machine, which the installation allows."""
    monkeypatch.setenv("WEBHOOK_ALLOW_PRIVATE", "true")
    config.settings.cache_clear()
    with receiver() as made:
        yield made


@pytest.fixture
def admin(cloud: Cloud) -> callers.Someone:
    return callers.person("admin", cloud.workspace())


def new(url: str = URL, **fields: Any) -> dict[str, Any]:
    return {"url": url, "types": ["lead.created", "invoice.issued"], **fields}


def made(room: Room, admin: callers.Someone, url: str = URL) -> dict[str, Any]:
    answer = room.ask("POST", "/api/webhooks", admin, new(url))
    assert answer.status_code == 201, answer.get_data()
    return content(answer)


def feed(admin: callers.Someone) -> list[dict[str, Any]]:
    return [entry.data for entry in repository.activity(from_directory(admin.claims["workspace_id"]), 50, None)]


def test_a_webhook_is_made_changed_and_taken_away_and_the_feed_tells(room: Room, admin: callers.Someone) -> None:
    answer = room.ask("POST", "/api/webhooks", admin, new(name="CRM"))
    hook = content(answer)
    assert (answer.status_code, answer.headers["Location"]) == (201, f"/api/webhooks/{hook['id']}")
    assert hook["secret"].startswith("whsec_")
    path = f"/api/webhooks/{hook['id']}"
    shown = room.ask("GET", path, admin)
    assert content(shown) == {name: value for name, value in hook.items() if name != "secret"}
    etag = shown.headers["ETag"].strip('"')
    assert room.ask("PATCH", path, admin, {"enabled": False}).status_code == 428
    assert room.ask("PATCH", path, admin, {"enabled": False}, etag="1.000000001").status_code == 412
    changed = room.ask("PATCH", path, admin, {"enabled": False, "types": ["lead.created"]}, etag=etag)
    assert (content(changed)["state"], content(changed)["disabled_reason"]) == ("disabled", "by_hand")
    etag = changed.headers["ETag"].strip('"')
    unchanged = room.ask("PATCH", path, admin, {"types": ["lead.created"]}, etag=etag)
    assert unchanged.headers["ETag"].strip('"') == etag
    (listed,) = content(room.ask("GET", "/api/webhooks", admin))["items"]
    assert (listed["id"], "secret" in listed) == (hook["id"], False)
    assert room.ask("DELETE", path, admin, etag=etag).status_code == 204
    assert room.ask("GET", path, admin).status_code == 404
    actions = [entry["action"] for entry in feed(admin)]
    assert actions == ["webhook.deleted", "webhook.changed", "webhook.created"]
    assert feed(admin)[1]["after"] == {"types": ["lead.created"], "state": "disabled"}
    assert "hush" not in str(feed(admin)) and "whsec" not in str(feed(admin))


def test_no_secret_is_stored_and_its_answer_is_not_repeated(room: Room, admin: callers.Someone) -> None:
    first = room.ask("POST", "/api/webhooks", admin, new(), key="one")
    secret = content(first)["secret"]
    stored = firestore.get(f"workspaces/{admin.claims['workspace_id']}/webhooks/{content(first)['id']}").data
    assert secret.removeprefix("whsec_") not in str(stored)
    again = room.ask("POST", "/api/webhooks", admin, new(), key="one")
    assert (again.status_code, content(again)["code"]) == (409, "already_issued")


def test_after_a_crash_the_same_key_finds_the_same_webhook_and_secret(room: Room, admin: callers.Someone) -> None:
    first = content(room.ask("POST", "/api/webhooks", admin, new(), key="one"))
    lose_answer(admin, "one")
    again = content(room.ask("POST", "/api/webhooks", admin, new(), key="one"))
    assert (again["id"], again["secret"]) == (first["id"], first["secret"])
    path = f"/api/webhooks/{first['id']}/rotate"
    rotated = content(room.ask("POST", path, admin, key="two"))
    lose_answer(admin, "two")
    assert content(room.ask("POST", path, admin, key="two"))["secret"] == rotated["secret"]
    assert len(content(room.ask("GET", "/api/webhooks", admin))["items"]) == 1


@pytest.mark.parametrize("role", ["viewer", "member"])
def test_only_admins_handle_webhooks(room: Room, cloud: Cloud, role: str) -> None:
    someone = callers.person(role, cloud.workspace())
    name = ids.new("webhook")
    asked = [
        room.ask("GET", "/api/webhooks", someone),
        room.ask("POST", "/api/webhooks", someone, new()),
        room.ask("GET", f"/api/webhooks/{name}", someone),
        room.ask("POST", f"/api/webhooks/{name}/rotate", someone),
        room.ask("POST", f"/api/webhooks/{name}/test", someone),
        room.ask("GET", f"/api/webhooks/{name}/deliveries", someone),
        room.ask("POST", f"/api/webhooks/{name}/deliveries/evt_{'a' * 52}/redeliver", someone),
    ]
    assert {answer.status_code for answer in asked} == {403}


def test_another_workspaces_webhook_is_not_there(room: Room, cloud: Cloud, admin: callers.Someone) -> None:
    hook = made(room, admin)
    stranger, path = callers.person("owner", cloud.workspace()), f"/api/webhooks/{hook['id']}"
    asked = [
        room.ask("GET", path, stranger),
        room.ask("PATCH", path, stranger, {"enabled": False}, etag="1.000000001"),
        room.ask("DELETE", path, stranger, etag="1.000000001"),
        room.ask("POST", f"{path}/rotate", stranger),
        room.ask("POST", f"{path}/test", stranger),
        room.ask("GET", f"{path}/deliveries", stranger),
        room.ask("POST", f"{path}/deliveries/evt_{'a' * 52}/redeliver", stranger),
    ]
    assert {answer.status_code for answer in asked} == {404}
    assert content(room.ask("GET", "/api/webhooks", stranger))["items"] == []
    assert room.ask("GET", path, admin).status_code == 200


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (new("http://hooks.example.com/"), "/url"),
        (new("https://127.0.0.1/"), "/url"),
        (new("https://169.254.169.254/computeMetadata/"), "/url"),
        (new("https://[::ffff:10.0.0.1]/"), "/url"),
        (new("https://user:word@hooks.example.com/"), "/url"),
        (new("https://hooks.example.com/ x"), "/url"),
        (new("https://hooks.example.com/#part"), "/url"),
        (new("https://"), "/url"),
        (new("ftp://hooks.example.com"), "/url"),
        (new(types=[]), "/types"),
        (new(name="x" * 81), "/name"),
    ],
)
def test_what_cannot_work_is_refused_at_once(
    room: Room, admin: callers.Someone, body: dict[str, Any], pointer: str
) -> None:
    refused = room.ask("POST", "/api/webhooks", admin, body)
    assert refused.status_code == 422
    assert [fault["pointer"] for fault in content(refused)["errors"]] == [pointer]


def test_there_are_twenty_at_most(room: Room, admin: callers.Someone, monkeypatch: pytest.MonkeyPatch) -> None:
    assert webhooks.MOST == 20
    monkeypatch.setattr(webhooks, "MOST", 2)
    for _ in range(2):
        made(room, admin)
    refused = room.ask("POST", "/api/webhooks", admin, new())
    assert (refused.status_code, content(refused)["code"]) == (409, "too_many_webhooks")


def test_without_an_installation_key_it_says_so(
    room: Room, admin: callers.Someone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WEBHOOK_SIGNING_KEY")
    config.settings.cache_clear()
    refused = room.ask("POST", "/api/webhooks", admin, new())
    assert (refused.status_code, content(refused)["code"]) == (503, "webhooks_not_set_up")


def test_both_secrets_sign_after_a_rotation_and_a_second_one_ends_the_first(
    room: Room, admin: callers.Someone, there: Receiver
) -> None:
    first = made(room, admin, there.url)
    path = f"/api/webhooks/{first['id']}"
    second = content(room.ask("POST", f"{path}/rotate", admin))
    until = clock.from_text(second["previous_secret_until"])
    assert timedelta(hours=23) < until - clock.now() <= signing.OVERLAP
    room.ask("POST", f"{path}/test", admin)
    third = content(room.ask("POST", f"{path}/rotate", admin))
    room.ask("POST", f"{path}/test", admin)
    signatures = [verifies(there, number) for number in range(2)]
    assert signatures[0](first) and signatures[0](second) and not signatures[0](third)
    assert signatures[1](third) and signatures[1](second) and not signatures[1](first)
    assert [entry["action"] for entry in feed(admin)][:2] == ["webhook.secret_rotated"] * 2


def verifies(there: Receiver, number: int) -> Any:
    from standardwebhooks import WebhookVerificationError

    _, headers, body = there.got[number]

    def verified(hook: dict[str, Any]) -> bool:
        try:
            Webhook(hook["secret"]).verify(body, headers)
        except WebhookVerificationError:
            return False
        return True

    return verified


def test_a_test_says_what_came_back_and_changes_nothing(room: Room, admin: callers.Someone, there: Receiver) -> None:
    hook = made(room, admin, there.url)
    path = f"/api/webhooks/{hook['id']}"
    there.answers = [204, 500]
    good = content(room.ask("POST", f"{path}/test", admin))
    bad = content(room.ask("POST", f"{path}/test", admin))
    _, headers, body = there.got[0]
    assert Webhook(hook["secret"]).verify(body, headers)["type"] == "webhook.test"
    assert (good["state"], good["attempts"][0]["status"], good["id"]) == ("delivered", 204, headers["webhook-id"])
    assert (bad["state"], bad["attempts"][0]["error"], bad["next_attempt_at"]) == ("failed", "http_500", None)
    assert content(room.ask("GET", path, admin))["failing_since"] is None
    listed = content(room.ask("GET", f"{path}/deliveries?page_size=1", admin))
    assert [one["id"] for one in listed["items"]] == [bad["id"]]
    rest = content(room.ask("GET", f"{path}/deliveries?page_token={listed['next_page_token']}", admin))
    assert ([one["id"] for one in rest["items"]], rest["next_page_token"]) == ([good["id"]], None)


def test_a_delivery_is_sent_again_by_hand_under_the_same_id(
    room: Room, admin: callers.Someone, there: Receiver
) -> None:
    hook, workspace = made(room, admin, there.url), from_directory(admin.claims["workspace_id"])
    path = f"/api/webhooks/{hook['id']}"
    event, now = issued(workspace), clock.now()
    there.answers = [500, 500, 204]
    notifying.take(event, now)
    (waiting,) = content(room.ask("GET", f"{path}/deliveries", admin))["items"]
    assert (waiting["state"], waiting["reason"]) == ("pending", None)
    failed = content(room.ask("POST", f"{path}/deliveries/{event.id}/redeliver", admin))
    assert (failed["state"], failed["next_attempt_at"]) == ("pending", waiting["next_attempt_at"])
    sent = content(room.ask("POST", f"{path}/deliveries/{event.id}/redeliver", admin))
    assert (sent["state"], sent["next_attempt_at"]) == ("delivered", None)
    assert [attempt["status"] for attempt in sent["attempts"]] == [500, 500, 204]
    assert {headers["webhook-id"] for _, headers, _ in there.got} == {event.id}
    assert content(room.ask("GET", path, admin))["failing_since"] is None
    missing = room.ask("POST", f"{path}/deliveries/evt_{'a' * 52}/redeliver", admin)
    assert missing.status_code == 404


def test_a_disabled_webhook_takes_tests_and_nothing_else(room: Room, admin: callers.Someone, there: Receiver) -> None:
    hook = made(room, admin, there.url)
    path = f"/api/webhooks/{hook['id']}"
    etag = room.ask("GET", path, admin).headers["ETag"].strip('"')
    room.ask("PATCH", path, admin, {"enabled": False}, etag=etag)
    test = content(room.ask("POST", f"{path}/test", admin))
    assert test["state"] == "delivered"
    refused = room.ask("POST", f"{path}/deliveries/{test['id']}/redeliver", admin)
    assert (refused.status_code, content(refused)["code"]) == (409, "webhook_disabled")
