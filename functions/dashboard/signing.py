"""Webhooks' secrets, none of which is stored, and the signatures made with them (docs/decisions/0017).

A secret is HKDF-SHA256 (RFC 5869) of the installation's key, a random salt of its own and the webhook's name. The salt
is in Firestore, the key in Secret Manager: neither is enough. The key's fingerprint stands beside the salt, so that the
key can be changed while older secrets live. Signatures are those of Standard Webhooks 1.0.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from functions.shared import ids
from functions.shared.config import MissingSetting, settings
from functions.shared.errors import Unavailable
from functions.shared.hkdf import hkdf
from functions.shared.identity import WorkspaceId

OVERLAP = timedelta(hours=24)
"""How long the secret before a rotation still signs, beside the new one."""

_BYTES = 32


class KeyMissing(Exception):
    """The installation has no key, or no longer the one that a secret was made with."""


class NotSetUp(Unavailable):
    """Whoever runs this AgentHub has not given it a key yet."""

    code, title = "webhooks_not_set_up", "Webhooks are not set up here"


def new_version(now: datetime, *, by: str) -> dict[str, Any]:
    """What is stored of a new secret; `by` names the call that makes it. Raises NotSetUp without a key."""
    try:
        key = settings().webhook_signing_keys[0]
    except MissingSetting as error:
        raise NotSetUp("This AgentHub has no WEBHOOK_SIGNING_KEY yet. Tell whoever runs it.") from error
    return {"salt": ids.secret(_BYTES), "key": fingerprint(key), "since": now, "until": None, "by": by}


def rotated(versions: list[dict[str, Any]], new: dict[str, Any], now: datetime) -> list[dict[str, Any]]:
    """The new one first, and of the older ones only the youngest, until OVERLAP from now: two live at most."""
    return [new, {**versions[0], "until": now + OVERLAP}]


def secret_of(workspace: WorkspaceId, webhook: str, version: Mapping[str, Any]) -> str:
    """The secret that a stored version stands for, as its receiver keeps it: `whsec_…`. Raises KeyMissing."""
    try:
        known = {fingerprint(key): key for key in settings().webhook_signing_keys}
    except MissingSetting as error:
        raise KeyMissing(str(error)) from error
    key = known.get(version["key"])
    if key is None:
        raise KeyMissing(f"WEBHOOK_SIGNING_KEY holds no key with the fingerprint {version['key']}.")
    about = f"agenthub webhook\n{workspace}\n{webhook}".encode()
    return "whsec_" + base64.b64encode(hkdf(key, version["salt"].encode(), about, _BYTES)).decode()


def live_secrets(
    workspace: WorkspaceId, webhook: str, versions: Iterable[Mapping[str, Any]], now: datetime
) -> list[str]:
    """Every secret that signs at this moment, the newest first. Raises KeyMissing."""
    live = [version for version in versions if version["until"] is None or now < version["until"]]
    return [secret_of(workspace, webhook, version) for version in live]


def headers(secrets: Iterable[str], message_id: str, sent_at: datetime, body: bytes) -> dict[str, str]:
    """The three headers of Standard Webhooks, with one signature for each secret."""
    timestamp = str(int(sent_at.timestamp()))
    signed = f"{message_id}.{timestamp}.".encode() + body
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(_signature(secret, signed) for secret in secrets),
    }


def _signature(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def fingerprint(key: bytes) -> str:
    """Which of the installation's keys this is, without saying anything about it."""
    return hashlib.sha256(b"agenthub fingerprint\n" + key).hexdigest()[:16]
