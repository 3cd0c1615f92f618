"""The only reader of the environment: every setting of a deployment, read once, with a default that works.

The names of the original system stay; everything else is named after what it holds. A setting that has no default
raises `MissingSetting` when it is first asked for, not at import time.
"""

import base64
import json
import os
from functools import cache, cached_property
from typing import Any

ALIASES = {
    "agents-api": ("AGENT_SERVICE_URL",),
    "analytics-api": ("ANALYTICS_SERVICE_URL",),
    "billing-api": ("BILLING_SERVICE_URL",),
    "dashboard-api": ("DASHBOARD_SERVICE_URL",),
    "my-agents-api": ("MY_AGENTS_SERVICE_URL",),
    "widgets-api": ("WIDGET_SERVICE_URL", "WIDGETS_SERVICE_URL"),
}
"""What the original system called the addresses of these deployments; it had both names for the widgets."""


class MissingSetting(RuntimeError):
    """A setting without default is not in the environment; the message names it."""


def _text(name: str, default: str | None = None) -> str:
    value = os.environ.get(name) or default
    if value is None:
        raise MissingSetting(f"Set the environment variable {name}.")
    return value


def _whole(name: str, default: int) -> int:
    value = _text(name, str(default))
    if not value.lstrip("-").isdigit():
        raise MissingSetting(f"{name} must be a whole number, not {value!r}.")
    return int(value)


class Settings:
    """What the environment says; each value is read when first used and kept for the life of the process."""

    @cached_property
    def environment(self) -> str:
        """Name of this installation: local, dev, prod."""
        return _text("ENVIRONMENT", "dev")

    @cached_property
    def project(self) -> str:
        """The Google Cloud project."""
        return _text("GOOGLE_CLOUD_PROJECT_ID", os.environ.get("GOOGLE_CLOUD_PROJECT"))

    @cached_property
    def deployment(self) -> str:
        """Which deployment of the catalogue this process is, such as `agents-chat`."""
        return _text("DEPLOYMENT", os.environ.get("K_SERVICE", "unknown"))

    @cached_property
    def function_target(self) -> str:
        """Which entry point the functions framework was asked for; empty outside of it."""
        return os.environ.get("FUNCTION_TARGET", "")

    @cached_property
    def version(self) -> str:
        """The deployed revision, shown by /health."""
        return _text("VERSION", os.environ.get("K_REVISION", "local"))

    @cached_property
    def firestore_database(self) -> str:
        """Firestore database id; a restore makes a new one."""
        return _text("FIRESTORE_DATABASE", "(default)")

    @cached_property
    def dataset(self) -> str:
        """BigQuery dataset id."""
        return _text("BIGQUERY_DATASET_ID", f"agenthub_{self.environment}")

    @cached_property
    def callers(self) -> frozenset[str]:
        """E-mails of the service accounts that may call this deployment (catalogue, `callers`)."""
        return frozenset(part.strip() for part in _text("CALLERS", "").split(",") if part.strip())

    def service_account(self, name: str) -> str:
        """The e-mail of one of our service accounts: `gateway`, `push`, `scheduler`, `visitors`, a deployment."""
        return f"agenthub-{name}@{self.project}.iam.gserviceaccount.com"

    def address(self, deployment: str) -> str:
        """The base URL of a deployment of the catalogue; `<DEPLOYMENT>_URL`, or the original system's name for it."""
        name = deployment.upper().replace("-", "_") + "_URL"
        former = (os.environ.get(alias) for alias in ALIASES.get(deployment, ()))
        return _text(name, next(filter(None, former), None)).rstrip("/")

    @cached_property
    def own_address(self) -> str:
        """The base URL of this deployment, which is the audience of every token sent to it."""
        return self.address(self.deployment)

    @cached_property
    def public_url(self) -> str:
        """Where browsers reach the gateway, without a trailing slash."""
        return _text("PUBLIC_URL", "http://localhost:8000").rstrip("/")

    @cached_property
    def chat_url(self) -> str:
        """Where widgets reach the chat; differs from public_url only while a second gateway streams."""
        return _text("CHAT_URL", self.public_url).rstrip("/")

    @cached_property
    def cdn_url(self) -> str:
        """Where browsers reach the CDN bucket, without a trailing slash."""
        return _text("CDN_URL", self.public_url).rstrip("/")

    @cached_property
    def console_url(self) -> str:
        """The page or the folder where people open the console, without a trailing slash: links to it begin with it."""
        return _text("CONSOLE_URL", self.cdn_url).rstrip("/")

    @cached_property
    def console_origins(self) -> frozenset[str]:
        """Origins whose pages may call the console API."""
        return frozenset(part.strip() for part in _text("CONSOLE_ORIGINS", self.public_url).split(",") if part.strip())

    @cached_property
    def cdn_bucket(self) -> str:
        """Bucket of the widget script and the widgets' public files."""
        return _text("CDN_BUCKET", f"{self.project}-agenthub-cdn")

    @cached_property
    def archive_bucket(self) -> str:
        """Bucket of final invoices."""
        return _text("ARCHIVE_BUCKET", f"{self.project}-agenthub-archive")

    @cached_property
    def iam_credentials_url(self) -> str:
        """Base URL of the IAM Credentials API."""
        return _text("IAM_CREDENTIALS_URL", "https://iamcredentials.googleapis.com").rstrip("/")

    @cached_property
    def google_apis_url(self) -> str:
        """Base URL of Google's public keys of service accounts."""
        return _text("GOOGLE_APIS_URL", "https://www.googleapis.com").rstrip("/")

    @cached_property
    def proxy_hops(self) -> int:
        """How many entries Google's proxies add to X-Forwarded-For; the first of them is the client's address."""
        return _whole("PROXY_HOPS", 1)

    @cached_property
    def identity_toolkit_url(self) -> str:
        """Base URL of the Identity Toolkit API."""
        return _text("IDENTITY_TOOLKIT_URL", "https://identitytoolkit.googleapis.com").rstrip("/")

    @cached_property
    def vertex_url(self) -> str | None:
        """Base URL of Vertex AI; None means Google's own."""
        return os.environ.get("VERTEX_URL") or None

    @cached_property
    def vertex_location(self) -> str:
        """Location of the Vertex AI endpoint."""
        return _text("VERTEX_LOCATION", "global")

    @cached_property
    def openai_url(self) -> str | None:
        """Base URL of an OpenAI-compatible server with its /v1; None means that provider is not offered."""
        return os.environ.get("OPENAI_BASE_URL") or None

    @cached_property
    def openai_key(self) -> str:
        """Bearer key for that server."""
        return _text("OPENAI_API_KEY", "offline")

    @cached_property
    def offline_url(self) -> str | None:
        """Base URL of the offline model with its /v1; set by the local supervisor only."""
        return os.environ.get("OFFLINE_MODEL_URL") or None

    @cached_property
    def embedding_model(self) -> str:
        """Which embedding model new knowledge is embedded with, as `provider/model`."""
        return _text("EMBEDDING_MODEL", "vertexai/gemini-embedding-001")

    @cached_property
    def default_model(self) -> str:
        """Which model a new agent uses, as `provider/model`."""
        return _text("DEFAULT_MODEL", "vertexai/gemini-3.5-flash-lite")

    @cached_property
    def installation_key(self) -> bytes:
        """The 32 bytes that every derived secret comes from (INSTALLATION_KEY is their base64); never changed."""
        try:
            key = base64.b64decode(_text("INSTALLATION_KEY"), validate=True)
        except ValueError as error:
            raise MissingSetting("INSTALLATION_KEY must be base64.") from error
        if len(key) != 32:
            raise MissingSetting("INSTALLATION_KEY must be the base64 of 32 bytes.")
        return key

    @cached_property
    def trial_cap_nanos(self) -> int:
        """What a workspace that never paid may spend in all, in nanos (TRIAL_CAP is in whole currency units)."""
        return _whole("TRIAL_CAP", 5) * 10**9

    @cached_property
    def grace_hours(self) -> int:
        """How long an invoice stays a draft and takes late events."""
        return _whole("INVOICE_GRACE_HOURS", 24)

    @cached_property
    def payment_days(self) -> int:
        """Days from an invoice's issue until it is due."""
        return _whole("PAYMENT_DAYS", 14)

    @cached_property
    def credit_days(self) -> int:
        """How many days credit lasts that was bought; 0: it never expires."""
        return _whole("CREDIT_DAYS", 0)

    @cached_property
    def seller(self) -> dict[str, Any]:
        """Who sends the invoices: SELLER_NAME, SELLER_ADDRESS (lines separated by `|`), SELLER_COUNTRY, _VAT_ID, _EMAIL."""
        lines = (line.strip() for line in _text("SELLER_ADDRESS", "|").split("|"))
        rest = {name: os.environ.get(f"SELLER_{name.upper()}") or None for name in ("country", "vat_id", "email")}
        return {"name": _text("SELLER_NAME", "AgentHub"), "address": tuple(line for line in lines if line), **rest}

    @cached_property
    def payment_terms(self) -> str:
        """What an invoice says about paying."""
        return _text("PAYMENT_TERMS", f"Please pay within {self.payment_days} days and name the invoice number.")

    @cached_property
    def stripe_key(self) -> str | None:
        """The secret key of the Stripe account that cards are charged through; None: nobody pays by card."""
        return os.environ.get("STRIPE_API_KEY") or None

    @cached_property
    def stripe_webhook_secrets(self) -> frozenset[str]:
        """What Stripe signs its webhooks with: one secret, or two by commas while they are rotated."""
        return frozenset(part.strip() for part in _text("STRIPE_WEBHOOK_SECRET", "").split(",") if part.strip())

    @cached_property
    def stripe_url(self) -> str:
        """Base URL of Stripe's API."""
        return _text("STRIPE_API_BASE", "https://api.stripe.com").rstrip("/")

    @cached_property
    def webhook_signing_keys(self) -> tuple[bytes, ...]:
        """What webhooks' secrets are derived from: the first for new ones, the others for those that still live."""
        keys = tuple(key.strip().encode() for key in _text("WEBHOOK_SIGNING_KEY").split(",") if key.strip())
        if not keys or min(map(len, keys)) < 32:
            raise MissingSetting(
                "WEBHOOK_SIGNING_KEY is one random key of at least 32 characters, or several by commas."
            )
        return keys

    @cached_property
    def webhook_allow_private(self) -> bool:
        """Whether webhooks may lead to plain http and private addresses; set by the local supervisor only."""
        return _text("WEBHOOK_ALLOW_PRIVATE", "false").lower() == "true"

    @cached_property
    def smtp_url(self) -> str | None:
        """The mail server, smtps://user:password@host:465 or smtp://user:password@host:587?starttls; None: no mail."""
        return os.environ.get("SMTP_URL") or None

    @cached_property
    def mail_from(self) -> str | None:
        """Who mails come from, such as `AgentHub <hello@example.com>`; None: no mail."""
        return os.environ.get("MAIL_FROM") or None

    @cached_property
    def service_account_key(self) -> dict[str, Any] | None:
        """The decoded GOOGLE_SERVICE_ACCOUNT_KEY (base64 of the JSON key file), or None when it is not set."""
        raw = os.environ.get("GOOGLE_SERVICE_ACCOUNT_KEY")
        if not raw:
            return None
        try:
            key: dict[str, Any] = json.loads(base64.b64decode(raw, validate=True))
        except ValueError as error:
            raise MissingSetting("GOOGLE_SERVICE_ACCOUNT_KEY must be the base64 of a JSON key file.") from error
        return key


@cache
def settings() -> Settings:
    """The settings of this process."""
    return Settings()
