"""One attempt to send a notice to a webhook, and the attempts that a person asks for: a test, and sending again."""

from datetime import datetime
from functools import partial

from functions.dashboard import deliveries, notices, outgoing, repository, signing, webhooks
from functions.dashboard.deliveries import Result
from functions.dashboard.notices import Notice
from functions.dashboard.webhook_models import Attempt, Delivery
from functions.shared import clock, contracts, events, firestore, ids, logs, paging
from functions.shared.config import settings
from functions.shared.errors import Conflict, NotFound
from functions.shared.firestore import Snapshot
from functions.shared.http import Call, Items, Page
from functions.shared.identity import WorkspaceId

AGENT = "AgentHub-Webhooks/1"
_GONE = 410


def attempt(workspace: WorkspaceId, webhook: Snapshot, notice: Notice) -> Result:
    """Send it once, signed with every live secret. Never raises for what the other side does."""
    at, started = clock.now(), clock.monotonic()
    status, retry_after, error = None, None, None
    try:
        answered = _sent(workspace, webhook, notice, at)
        status, retry_after = answered.status, answered.retry_after
        if not 200 <= status < 300:
            error = "redirected" if 300 <= status < 400 else f"http_{status}"
    except outgoing.Unreachable as unreachable:
        error = unreachable.error
    except signing.KeyMissing as missing:
        error = "no_signing_key"
        logs.alarm("a webhook cannot be signed", webhook_id=webhook.id, reason=str(missing))
    latency = round((clock.monotonic() - started) * 1000)
    ours = error == "no_signing_key"
    return Result(error is None, at, latency, status, error, retry_after, final=status == _GONE, ours=ours)


def _sent(workspace: WorkspaceId, webhook: Snapshot, notice: Notice, at: datetime) -> outgoing.Answered:
    secrets = signing.live_secrets(workspace, webhook.id, webhook.data["keys"], at)
    body = notice.body()
    headers = signing.headers(secrets, notice.event_id, at, body)
    headers |= {"Content-Type": "application/json", "User-Agent": AGENT}
    return outgoing.post(webhook.data["url"], body, headers, allow_private=settings().webhook_allow_private)


def test(call: Call, webhook: str) -> Delivery:
    """Send `webhook.test` once and say what came back; not repeated, and no failure counts. Raises NotFound."""
    owner = webhooks.find(call.workspace, webhook)
    event = f"evt_{ids.hashed(notices.TEST, webhook, call.idempotency_id)}"
    path = repository.delivery_path(call.workspace, webhook, event)
    data = deliveries.new(event, notices.TEST, call.now, webhook=webhook)
    # Nobody waits for a test, so it never comes due; the first attempt decides.
    del data["due_at"]
    data["state"] = "failed"
    made = deliveries.make({path: data})
    found = made[0] if made else firestore.get(path)
    return _now(call, owner, found, notices.test(call.workspace, event, found.data["created_at"]))


def redeliver(call: Call, webhook: str, delivery: str) -> Delivery:
    """Send it again, with what is there of it now. Raises NotFound, and Conflict for a webhook that is disabled."""
    owner = webhooks.find(call.workspace, webhook)
    found = _found(call.workspace, webhook, delivery)
    if owner.data["state"] != "active":
        raise Conflict("Enable the webhook first.", code="webhook_disabled")
    if found.data["type"] == notices.TEST:
        return _now(call, owner, found, notices.test(call.workspace, found.id, found.data["created_at"]))
    event = events.read(call.workspace, found.data["event_id"])
    if event is None:
        raise Conflict("What it told of is kept no longer.", code="event_expired")
    return _now(call, owner, found, notices.of(event))


def _now(call: Call, owner: Snapshot, found: Snapshot, notice: Notice) -> Delivery:
    result = attempt(call.workspace, owner, notice)
    deliveries.note(found, result, call.now, webhook=owner, extra=True)
    return shown(firestore.get(found.path))


def _found(workspace: WorkspaceId, webhook: str, delivery: str) -> Snapshot:
    path = repository.delivery_path(workspace, webhook, delivery)
    found = firestore.get(path) if ids.valid("event", delivery) else None
    if found is None or not found.exists:
        raise NotFound("There is no such delivery.")
    return found


def listed(call: Call, webhook: str, page: Page) -> Items[Delivery]:
    """What went to a webhook in the last 30 days, the newest first. Raises NotFound."""
    webhooks.find(call.workspace, webhook)
    home = contracts.path(call.workspace, "webhooks", webhook, "deliveries")
    found, token = paging.read(page, home, "created_at", partial(repository.deliveries, call.workspace, webhook))
    return Items(items=[shown(one) for one in found], next_page_token=token)


def shown(found: Snapshot) -> Delivery:
    """A stored delivery as its owner sees it."""
    data = found.data
    return Delivery(
        id=found.id,
        webhook_id=data["webhook_id"],
        type=data["type"],
        state=data["state"],
        attempts=[Attempt(**one) for one in data["attempts"]],
        reason=data["reason"],
        next_attempt_at=data.get("due_at"),
        created_at=data["created_at"],
        delivered_at=data["delivered_at"],
    )
