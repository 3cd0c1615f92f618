"""A notification reaches every webhook that wants it, at least once under one id, and is tried again by the clock."""

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from functions.dashboard import deliveries, notifying, repository, sending, webhooks
from functions.dashboard.webhook_models import NewWebhook, WebhookChange
from functions.shared import clock, config, contracts, events, firestore, ids, notifications
from functions.shared.events import Event
from functions.shared.firestore import Snapshot
from functions.shared.identity import WorkspaceId
from tests.cloud import Cloud, envelope
from tests.functions.dashboard.receiving import Receiver, receiver
from tests.functions.rooms import Room, agent, open_room, write
from tests.functions.shared.http import callers

NOW = clock.now()
TYPES = ("hand_off.requested", "lead.created", "invoice.issued")


@pytest.fixture(autouse=True)
def local(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings that the local supervisor gives."""
    monkeypatch.setenv("WEBHOOK_ALLOW_PRIVATE", "true")
    monkeypatch.setenv("WEBHOOK_SIGNING_KEY", "k" * 40)
    config.settings.cache_clear()


@pytest.fixture
def workspace(cloud: Cloud) -> Iterator[WorkspaceId]:
    """A workspace of its own; what waits in it at the end waits for nobody else's test."""
    made = cloud.workspace()
    yield made
    for webhook in repository.webhooks(made):
        deliveries.drop(repository.deliveries(made, webhook.id, 100, None))


@pytest.fixture
def there() -> Iterator[Receiver]:
    with receiver() as made:
        yield made


@pytest.fixture
def edge(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Room:
    """The deployment dashboard-webhooks."""
    return open_room("dashboard-webhooks", monkeypatch)


def hook(cloud: Cloud, workspace: WorkspaceId, url: str, types: Any = TYPES) -> Any:
    return webhooks.create(cloud.call(workspace), NewWebhook(url=url, types=types))[0]


def issued(workspace: WorkspaceId, *, at: datetime = NOW) -> Event:
    batch = firestore.Batch()
    facts = {"invoice_number": "ACME-2026-0001", "amount": "12.34", "currency": "USD"}
    event = notifications.record(batch, workspace, "invoice.issued", subject=ids.new("invoice"), facts=facts, now=at)
    batch.commit()
    events.unmark_all([event])
    return event


def of(workspace: WorkspaceId, webhook: str, event: Event) -> dict[str, Any]:
    return firestore.get(repository.delivery_path(workspace, webhook, event.id)).data


def told(workspace: WorkspaceId) -> list[dict[str, Any]]:
    return [entry.data for entry in repository.activity(workspace, 50, None)]


def test_a_notification_reaches_the_webhooks_that_want_it_signed_and_whole(
    cloud: Cloud, workspace: WorkspaceId, there: Receiver, edge: Room
) -> None:
    made = hook(cloud, workspace, there.url)
    other = hook(cloud, workspace, there.url, ("lead.created",))
    event = issued(workspace)
    for _ in range(2):  # Pub/Sub may come twice.
        answer = edge.client.post("/events/notifications", json=envelope(event.row), headers=callers.invoker("push"))
        assert answer.status_code == 204
    ((path, headers, body),) = there.got
    assert path == "/hook"
    assert Webhook(made.secret).verify(body, headers) == {
        "type": "invoice.issued",
        "timestamp": event.row["occurred_at"],
        "data": {
            "workspace_id": str(workspace),
            "invoice_id": event.row["subject"],
            "invoice_number": "ACME-2026-0001",
            "amount": "12.34",
            "currency": "USD",
        },
    }
    assert headers["webhook-id"] == event.id
    kept = of(workspace, made.id, event)
    assert (kept["state"], kept["attempts"][0]["status"], "due_at" in kept) == ("delivered", 204, False)
    assert "12.34" not in str(kept)
    assert of(workspace, other.id, event) == {}


def test_only_pubsub_and_the_scheduler_wake_it(edge: Room, workspace: WorkspaceId) -> None:
    row = issued(workspace).row
    for name in ("gateway", "scheduler"):
        refused = edge.client.post("/events/notifications", json=envelope(row), headers=callers.invoker(name))
        assert refused.status_code == 403
    assert edge.client.post("/schedules/dashboard-webhooks", headers=callers.invoker("push")).status_code == 403
    ran = edge.client.post("/schedules/dashboard-webhooks", headers=callers.invoker("scheduler"))
    assert ran.status_code == 204


def test_a_webhook_of_another_workspace_hears_nothing(cloud: Cloud, workspace: WorkspaceId, there: Receiver) -> None:
    hook(cloud, cloud.workspace(), there.url)
    notifying.take(issued(workspace), NOW)
    assert there.got == []


def conversation(workspace: WorkspaceId, **fields: Any) -> tuple[str, str]:
    worker, name = agent(workspace), ids.conversation_of(ids.secret(8))
    document = {"agent_id": worker, "channel": "widget", "created_at": NOW, "updated_at": NOW, **fields}
    write(contracts.path(workspace, "conversations", name), document)
    return name, worker


@pytest.mark.parametrize(
    ("kind", "fields", "content"),
    [
        ("hand_off.requested", {"handed_off": True, "hand_off": {"note": "Please call me"}}, "Please call me"),
        (
            "lead.created",
            {"lead": {"email": "eve@example.com", "consent": "I agree", "left_at": NOW, "staff_note": "Beware"}},
            "I agree",
        ),
    ],
)
def test_content_is_read_when_it_is_sent_and_said_to_be_erased_when_it_is(
    cloud: Cloud, workspace: WorkspaceId, there: Receiver, kind: Any, fields: dict[str, Any], content: str
) -> None:
    made = hook(cloud, workspace, there.url)
    name, worker = conversation(workspace, **fields)
    batch = firestore.Batch()
    event = notifications.record(batch, workspace, kind, subject=name, now=NOW)
    batch.commit()
    assert content not in str(event.row)
    notifying.take(event, NOW)
    batch = firestore.Batch()
    batch.delete(contracts.path(workspace, "conversations", name))
    batch.commit()
    sending.redeliver(cloud.call(workspace), made.id, event.id)
    first, second = (Webhook(made.secret).verify(body, headers)["data"] for _, headers, body in there.got)
    key = kind.partition(".")[0]
    assert content in first[key].values()
    assert first[key]["state"] == "waiting"
    assert not {"staff_note", "taken_by"} & first[key].keys()
    assert (first["erased"], first["conversation_id"], first["agent_id"]) == (False, name, worker)
    assert first["agent_name"] == "Front desk"
    assert second == {"workspace_id": str(workspace), "conversation_id": name, key: None, "erased": True}
    assert content not in str(of(workspace, made.id, event))


def test_failures_are_tried_again_by_the_clock_until_it_is_enough(
    cloud: Cloud, workspace: WorkspaceId, there: Receiver
) -> None:
    made, event = hook(cloud, workspace, there.url), issued(workspace)
    there.answers = [400]
    notifying.take(event, NOW)
    due = NOW
    for number in range(1, len(deliveries.WAITS) + 1):
        kept = of(workspace, made.id, event)
        wait = deliveries.WAITS[number - 1]
        assert (kept["state"], kept["tries"]) == ("pending", number)
        assert wait <= kept["due_at"] - due <= wait * 1.1
        due = kept["due_at"]
        notifying.work_off(due - timedelta(seconds=1))
        assert len(there.got) == number
        notifying.work_off(due)
        assert len(there.got) == number + 1
    kept = of(workspace, made.id, event)
    assert (kept["state"], kept["reason"], kept["tries"]) == ("failed", "retries_used_up", len(deliveries.WAITS) + 1)
    assert "due_at" not in kept
    assert {headers["webhook-id"] for _, headers, _ in there.got} == {event.id}
    assert due - NOW > timedelta(days=3)
    assert firestore.get(repository.webhook_path(workspace, made.id)).data["disabled_reason"] == "failing"


@given(st.integers(1, 12), st.one_of(st.none(), st.integers(0, 10**6)), st.text(max_size=20))
def test_the_next_try_lies_after_the_wait_and_a_tenth_at_most_unless_the_receiver_wishes_it(
    tries: int, wish: int | None, name: str
) -> None:
    found = deliveries.next_due(name, tries, NOW, wish)
    assert found == deliveries.next_due(name, tries, NOW, wish)
    if tries > len(deliveries.WAITS):
        assert found is None
        return
    assert found is not None
    wait = deliveries.WAITS[tries - 1]
    wished = min(timedelta(seconds=wish or 0), deliveries.LONGEST_WISH)
    assert max(wait, wished) <= found - NOW <= max(wait * 1.1, wished)


def test_killed_between_attempt_and_mark_it_comes_again_with_the_same_id(
    cloud: Cloud, workspace: WorkspaceId, there: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, event = hook(cloud, workspace, there.url), issued(workspace)

    def killed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt  # Nothing of ours catches it, as nothing catches a SIGKILL.

    with monkeypatch.context() as dying:
        dying.setattr(deliveries, "note", killed)
        notifying.take(event, NOW)
    assert len(there.got) == 1
    assert of(workspace, made.id, event)["state"] == "pending"
    notifying.take(event, NOW)
    notifying.work_off(NOW + deliveries.LEASE - timedelta(seconds=1))
    assert len(there.got) == 1
    notifying.work_off(NOW + deliveries.LEASE)
    assert [headers["webhook-id"] for _, headers, _ in there.got] == [event.id, event.id]
    assert of(workspace, made.id, event)["state"] == "delivered"


def test_two_runs_at_once_make_one_attempt(cloud: Cloud, workspace: WorkspaceId, there: Receiver) -> None:
    made, event = hook(cloud, workspace, there.url), issued(workspace)
    path = repository.delivery_path(workspace, made.id, event.id)
    deliveries.make({path: deliveries.new(event.id, "invoice.issued", NOW, webhook=made.id)})
    there.pause.clear()
    runs = [threading.Thread(target=notifying.work_off, args=(NOW + deliveries.LEASE,)) for _ in range(2)]
    for run in runs:
        run.start()
    there.pause.set()
    for run in runs:
        run.join()
    assert len(there.got) == 1


def test_what_else_waits_for_a_receiver_in_trouble_waits_too_and_others_do_not(
    cloud: Cloud, workspace: WorkspaceId, there: Receiver
) -> None:
    with receiver() as fine:
        hook(cloud, workspace, there.url)
        hook(cloud, workspace, fine.url)
        there.answers = fine.answers = [503]
        for _ in range(3):
            notifying.take(issued(workspace), NOW)
        fine.answers = [204]
        there.got.clear()
        fine.got.clear()
        notifying.work_off(NOW + timedelta(minutes=6))
        assert (len(there.got), len(fine.got)) == (1, 3)


def test_a_webhook_that_fails_for_three_days_is_disabled_and_told_of(
    cloud: Cloud, workspace: WorkspaceId, there: Receiver
) -> None:
    made = hook(cloud, workspace, there.url)
    there.answers = [500]
    waiting = issued(workspace)
    notifying.take(waiting, NOW)
    webhook = lambda: firestore.get(repository.webhook_path(workspace, made.id))  # noqa: E731
    assert webhook().data["failing_since"] == NOW
    notifying.take(issued(workspace), NOW + timedelta(hours=71))
    assert webhook().data["state"] == "active"
    notifying.take(issued(workspace), NOW + timedelta(hours=72))
    assert (webhook().data["state"], webhook().data["disabled_reason"]) == ("disabled", "failing")
    assert told(workspace)[0]["action"] == "webhook.disabled"
    assert told(workspace)[0]["actor"] == "system"
    there.got.clear()
    late = issued(workspace)
    notifying.take(late, NOW + timedelta(hours=73))
    notifying.work_off(NOW + timedelta(hours=73))
    assert there.got == []
    assert of(workspace, made.id, late) == {}
    kept = of(workspace, made.id, waiting)
    assert (kept["state"], kept["reason"], "due_at" in kept) == ("failed", "webhook_disabled", False)
    # Enabled again it begins anew.
    change = cloud.call(workspace, if_match=webhook().etag)
    again, _ = webhooks.change(change, made.id, WebhookChange(enabled=True))
    assert (again.state, again.disabled_reason, again.failing_since) == ("active", None, None)
    there.answers = [204]
    assert sending.redeliver(cloud.call(workspace), made.id, waiting.id).state == "delivered"


def test_one_success_ends_the_count_of_days(cloud: Cloud, workspace: WorkspaceId, there: Receiver) -> None:
    made = hook(cloud, workspace, there.url)
    there.answers = [500, 204, 500]
    for hours in (0, 60, 80):
        notifying.take(issued(workspace), NOW + timedelta(hours=hours))
    found = firestore.get(repository.webhook_path(workspace, made.id)).data
    assert (found["state"], found["failing_since"]) == ("active", NOW + timedelta(hours=80))


def test_gone_disables_at_once(cloud: Cloud, workspace: WorkspaceId, there: Receiver) -> None:
    made, event = hook(cloud, workspace, there.url), issued(workspace)
    there.answers = [410]
    notifying.take(event, NOW)
    found = firestore.get(repository.webhook_path(workspace, made.id)).data
    assert (found["state"], found["disabled_reason"]) == ("disabled", "gone")
    kept = of(workspace, made.id, event)
    assert (kept["state"], kept["reason"], kept["tries"]) == ("failed", "http_410", 1)
    (entry,) = (one for one in told(workspace) if one["action"] == "webhook.disabled")
    assert entry["after"]["reason"] == "gone"


def test_a_receivers_wish_to_wait_is_followed(cloud: Cloud, workspace: WorkspaceId, there: Receiver) -> None:
    made, event = hook(cloud, workspace, there.url), issued(workspace)
    there.answers = [(429, {"Retry-After": "7200"})]
    notifying.take(event, NOW)
    assert of(workspace, made.id, event)["due_at"] == NOW + timedelta(hours=2)


def test_what_waits_for_a_deleted_webhook_is_dropped(cloud: Cloud, workspace: WorkspaceId, there: Receiver) -> None:
    made, event = hook(cloud, workspace, there.url), issued(workspace)
    there.answers = [500]
    notifying.take(event, NOW)
    webhooks.delete(cloud.call(workspace), made.id)
    notifying.work_off(NOW + timedelta(hours=1))
    assert len(there.got) == 1
    assert of(workspace, made.id, event) == {}


def test_a_private_address_is_not_reached_in_the_cloud(
    cloud: Cloud, workspace: WorkspaceId, there: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, event = hook(cloud, workspace, there.url.replace("http:", "https:")), issued(workspace)
    monkeypatch.delenv("WEBHOOK_ALLOW_PRIVATE")
    config.settings.cache_clear()
    notifying.take(event, NOW)
    assert there.got == []
    assert of(workspace, made.id, event)["attempts"][0]["error"] == "address_not_allowed"


def test_a_lost_installation_key_alarms_and_is_no_fault_that_ends_it(
    cloud: Cloud, workspace: WorkspaceId, there: Receiver, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    made, event = hook(cloud, workspace, there.url), issued(workspace)
    monkeypatch.setenv("WEBHOOK_SIGNING_KEY", "other" * 10)
    config.settings.cache_clear()
    notifying.take(event, NOW)
    kept = of(workspace, made.id, event)
    assert (kept["state"], kept["attempts"][0]["error"]) == ("pending", "no_signing_key")
    assert firestore.get(repository.webhook_path(workspace, made.id)).data["failing_since"] is None
    assert '"alarm": true' in capsys.readouterr().out


def test_a_fault_of_ours_counts_as_a_try_and_not_against_the_webhook(
    cloud: Cloud, workspace: WorkspaceId, there: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, event = hook(cloud, workspace, there.url), issued(workspace)
    monkeypatch.setattr(sending, "attempt", lambda *_: 1 / 0)
    notifying.take(event, NOW)
    kept = of(workspace, made.id, event)
    assert (kept["tries"], kept["attempts"][0]["error"]) == (1, "internal")
    assert firestore.get(repository.webhook_path(workspace, made.id)).data["failing_since"] is None


def test_a_webhook_added_between_two_deliveries_of_an_event_gets_it_once(
    cloud: Cloud, workspace: WorkspaceId, there: Receiver
) -> None:
    hook(cloud, workspace, there.url)
    event = issued(workspace)
    notifying.take(event, NOW)
    with receiver() as second:
        hook(cloud, workspace, second.url)
        notifying.take(event, NOW)
        assert (len(there.got), len(second.got)) == (1, 1)


def test_a_delivery_costs_few_operations(
    cloud: Cloud, workspace: WorkspaceId, there: Receiver, edge: Room, capsys: Any
) -> None:
    hook(cloud, workspace, there.url)
    event = issued(workspace)
    capsys.readouterr()
    edge.client.post("/events/notifications", json=envelope(event.row), headers=callers.invoker("push"))
    line = next(line for line in capsys.readouterr().out.splitlines() if "/events/notifications 204" in line)
    assert '"firestore_reads": 2' in line
    assert '"firestore_writes": 2' in line


def test_a_concurrent_success_is_not_undone_by_a_later_failure(cloud: Cloud, workspace: WorkspaceId) -> None:
    path = repository.delivery_path(workspace, ids.new("webhook"), "evt_x")
    (found,) = deliveries.make({path: deliveries.new("evt_x", "invoice.issued", NOW, webhook="whk_x")})
    deliveries.note(found, deliveries.Result(True, NOW, 5, 200), NOW)
    deliveries.note(found, deliveries.Result(False, NOW, 5, 500, "http_500"), NOW)
    kept: Snapshot = firestore.get(path)
    assert (kept.data["state"], "due_at" in kept.data, len(kept.data["attempts"])) == ("delivered", False, 2)
