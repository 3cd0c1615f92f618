"""Outgoing webhooks over HTTP, for admins: a webhook sends what visitors wrote to an address outside."""

from functions.dashboard import sending, webhooks
from functions.dashboard.webhook_models import Delivery, NewWebhook, Webhook, WebhookChange, WebhookWithSecret
from functions.shared.http import CONSOLE, MACHINE, Call, Items, Page, Reply, Routes

api = Routes("dashboard-api")


@api.get("/api/webhooks", callers=(CONSOLE, MACHINE), role="admin", summary="The webhooks, without their secrets.")
def list_webhooks(call: Call, query: Page) -> Items[Webhook]:
    """The oldest first; there are 20 at most."""
    return webhooks.listed(call.workspace, query)


@api.post(
    "/api/webhooks",
    callers=(CONSOLE, MACHINE),
    role="admin",
    status=201,
    idempotent=True,
    secret=True,
    summary="Make a webhook; its secret is shown once.",
)
def create_webhook(call: Call, body: NewWebhook) -> Reply[WebhookWithSecret]:
    """Keep the secret: the receiver verifies every delivery with it."""
    made, etag = webhooks.create(call, body)
    return Reply(made, etag=etag, headers={"Location": f"/api/webhooks/{made.id}"})


@api.get("/api/webhooks/{webhook}", callers=(CONSOLE, MACHINE), role="admin", etag=True, summary="One webhook.")
def get_webhook(call: Call, webhook: str) -> Reply[Webhook]:
    """Without its secret."""
    found, etag = webhooks.get(call, webhook)
    return Reply(found, etag=etag)


@api.patch(
    "/api/webhooks/{webhook}", callers=(CONSOLE, MACHINE), role="admin", summary="Change a webhook, or enable it again."
)
def change_webhook(call: Call, webhook: str, body: WebhookChange) -> Reply[Webhook]:
    """The secret stays."""
    found, etag = webhooks.change(call, webhook, body)
    return Reply(found, etag=etag)


@api.delete("/api/webhooks/{webhook}", callers=(CONSOLE, MACHINE), role="admin", summary="Take a webhook away.")
def delete_webhook(call: Call, webhook: str) -> None:
    """Nothing more is sent to it."""
    webhooks.delete(call, webhook)


@api.post(
    "/api/webhooks/{webhook}/rotate",
    callers=(CONSOLE, MACHINE),
    role="admin",
    idempotent=True,
    secret=True,
    summary="A new secret, shown once; the one before lives for a day beside it.",
)
def rotate_webhook(call: Call, webhook: str) -> Reply[WebhookWithSecret]:
    """Until then deliveries bear both signatures. Rotating twice ends a secret that got out at once."""
    made, etag = webhooks.rotate(call, webhook)
    return Reply(made, etag=etag)


@api.post(
    "/api/webhooks/{webhook}/test",
    callers=(CONSOLE, MACHINE),
    role="admin",
    idempotent=True,
    deadline="slow",
    summary="Send webhook.test now and see what comes back.",
)
def try_webhook(call: Call, webhook: str) -> Delivery:
    """One attempt, also to a webhook that is disabled."""
    return sending.test(call, webhook)


@api.get(
    "/api/webhooks/{webhook}/deliveries",
    callers=(CONSOLE, MACHINE),
    role="admin",
    summary="What went to a webhook in the last 30 days.",
)
def list_deliveries(call: Call, webhook: str, query: Page) -> Items[Delivery]:
    """The newest first, without contents."""
    return sending.listed(call, webhook, query)


@api.post(
    "/api/webhooks/{webhook}/deliveries/{delivery}/redeliver",
    callers=(CONSOLE, MACHINE),
    role="admin",
    idempotent=True,
    deadline="slow",
    summary="Send it again now.",
)
def redeliver(call: Call, webhook: str, delivery: str) -> Delivery:
    """With the same webhook-id, and with what is there of its content now."""
    return sending.redeliver(call, webhook, delivery)
