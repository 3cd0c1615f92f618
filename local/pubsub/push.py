"""Push delivery: one HTTP request for each message, in Pub/Sub's JSON envelope, with the subscription's ID token."""

import base64
import json
from typing import Any

from local.deployments import post
from local.oidc import NoToken, Tokens
from local.pubsub.backlog import Delivery
from local.pubsub.registry import Subscription

_ARRIVED = frozenset({102, 200, 201, 202, 204})
_REFUSED_TOKEN = frozenset({401, 403})
_SHOWN = 200
# Seconds for a deployment to start, before nobody listening counts as a failed attempt.
_PATIENCE = 10.0


def envelope(subscription: Subscription, delivery: Delivery) -> dict[str, Any]:
    """The body of a push request. Empty parts are left out, as Pub/Sub does."""
    message = delivery.message()
    published = message.publish_time.ToJsonString()
    inner: dict[str, Any] = {}
    if message.data:
        inner["data"] = base64.b64encode(message.data).decode("ascii")
    if message.attributes:
        inner["attributes"] = dict(message.attributes)
    inner |= {
        "messageId": message.message_id,
        "message_id": message.message_id,
        "publishTime": published,
        "publish_time": published,
    }
    if message.ordering_key:
        inner["orderingKey"] = message.ordering_key
    result: dict[str, Any] = {"message": inner, "subscription": subscription.name}
    if subscription.body.HasField("dead_letter_policy"):
        result["deliveryAttempt"] = delivery.attempt
    return result


class Push:
    """Carries messages to push endpoints."""

    def __init__(self, tokens: Tokens | None) -> None:
        """Without `tokens` a subscription that wants an ID token cannot be delivered; its messages wait."""
        self._tokens = tokens

    def carry(self, subscription: Subscription, deliveries: list[Delivery]) -> list[str]:
        """An empty text for each that was answered with success, else why not."""
        return [self._push(subscription, delivery) for delivery in deliveries]

    def _push(self, subscription: Subscription, delivery: Delivery) -> str:
        config = subscription.body.push_config
        headers = {"Content-Type": "application/json", "Accept": "application/json", "User-Agent": "APIs-Google"}
        email, audience = "", ""
        if config.HasField("oidc_token"):
            email = config.oidc_token.service_account_email
            audience = config.oidc_token.audience or config.push_endpoint
            if self._tokens is None:
                return "no identity server is configured, so there is no ID token"
            try:
                headers["Authorization"] = f"Bearer {self._tokens.get(email, audience)}"
            except NoToken as error:
                return str(error)
        body = json.dumps(envelope(subscription, delivery), ensure_ascii=False).encode()
        answer = post(config.push_endpoint, body, headers, subscription.body.ack_deadline_seconds, _PATIENCE)
        if answer.status in _ARRIVED:
            return ""
        if self._tokens is not None and answer.status in _REFUSED_TOKEN:
            self._tokens.forget(email, audience)
        return f"{config.push_endpoint} answered {answer.status or 'nothing'}: {answer.body[:_SHOWN]}"
