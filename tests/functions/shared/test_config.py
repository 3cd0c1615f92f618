"""Each setting does what it says: by its name, with its default, and the original system's names as they were."""

import base64
import json
from collections.abc import Callable

import pytest

from functions.shared import config
from functions.shared.config import MissingSetting, Settings
from local.supervisor import plan

KEY = bytes(range(32))
DEFAULTS: list[tuple[str, object]] = [
    ("archive_bucket", "shop-1-agenthub-archive"),
    ("callers", frozenset()),
    ("cdn_bucket", "shop-1-agenthub-cdn"),
    ("cdn_url", "http://localhost:8000"),
    ("chat_url", "http://localhost:8000"),
    ("console_origins", frozenset({"http://localhost:8000"})),
    ("console_url", "http://localhost:8000"),
    ("credit_days", 0),
    ("dataset", "agenthub_dev"),
    ("deployment", "unknown"),
    ("environment", "dev"),
    ("firestore_database", "(default)"),
    ("function_target", ""),
    ("grace_hours", 24),
    ("mail_from", None),
    ("offline_url", None),
    ("openai_key", "offline"),
    ("openai_url", None),
    ("payment_days", 14),
    ("payment_terms", "Please pay within 14 days and name the invoice number."),
    ("proxy_hops", 1),
    ("public_url", "http://localhost:8000"),
    ("service_account_key", None),
    ("smtp_url", None),
    ("stripe_key", None),
    ("stripe_url", "https://api.stripe.com"),
    ("stripe_webhook_secrets", frozenset()),
    ("trial_cap_nanos", 5 * 10**9),
    ("version", "local"),
    ("vertex_location", "global"),
    ("vertex_url", None),
    ("webhook_allow_private", False),
]
SET: list[tuple[str, str, str, object]] = [
    ("ARCHIVE_BUCKET", "invoices", "archive_bucket", "invoices"),
    ("BIGQUERY_DATASET_ID", "warehouse", "dataset", "warehouse"),
    ("CALLERS", "a@x, b@x,", "callers", frozenset({"a@x", "b@x"})),
    ("CDN_BUCKET", "files", "cdn_bucket", "files"),
    ("CDN_URL", "https://cdn.test/", "cdn_url", "https://cdn.test"),
    ("CDN_URL", "https://cdn.test/", "console_url", "https://cdn.test"),
    ("CHAT_URL", "https://chat.test/", "chat_url", "https://chat.test"),
    ("CONSOLE_ORIGINS", "https://a.test, https://b.test", "console_origins", {"https://a.test", "https://b.test"}),
    ("CONSOLE_URL", "https://a.test/console/", "console_url", "https://a.test/console"),
    ("CREDIT_DAYS", "365", "credit_days", 365),
    ("DEFAULT_MODEL", "openai/m", "default_model", "openai/m"),
    ("DEPLOYMENT", "agents-api", "deployment", "agents-api"),
    ("EMBEDDING_MODEL", "openai/e", "embedding_model", "openai/e"),
    ("ENVIRONMENT", "prod", "environment", "prod"),
    ("ENVIRONMENT", "prod", "dataset", "agenthub_prod"),
    ("FIRESTORE_DATABASE", "restored", "firestore_database", "restored"),
    ("FUNCTION_TARGET", "agents_api", "function_target", "agents_api"),
    ("GOOGLE_APIS_URL", "http://apis.test/", "google_apis_url", "http://apis.test"),
    ("GOOGLE_CLOUD_PROJECT_ID", "shop-2", "project", "shop-2"),
    ("IAM_CREDENTIALS_URL", "http://iam.test/", "iam_credentials_url", "http://iam.test"),
    ("IDENTITY_TOOLKIT_URL", "http://id.test/", "identity_toolkit_url", "http://id.test"),
    ("INSTALLATION_KEY", base64.b64encode(KEY).decode(), "installation_key", KEY),
    ("INVOICE_GRACE_HOURS", "48", "grace_hours", 48),
    ("K_REVISION", "agents-api-00007", "version", "agents-api-00007"),
    ("K_SERVICE", "agents-chat", "deployment", "agents-chat"),
    ("MAIL_FROM", "A <a@x.test>", "mail_from", "A <a@x.test>"),
    ("OFFLINE_MODEL_URL", "http://model.test/v1", "offline_url", "http://model.test/v1"),
    ("OPENAI_API_KEY", "sk", "openai_key", "sk"),
    ("OPENAI_BASE_URL", "http://openai.test/v1", "openai_url", "http://openai.test/v1"),
    ("PAYMENT_DAYS", "30", "payment_days", 30),
    ("PAYMENT_TERMS", "At once.", "payment_terms", "At once."),
    ("PROXY_HOPS", "2", "proxy_hops", 2),
    ("PUBLIC_URL", "https://api.test/", "public_url", "https://api.test"),
    ("PUBLIC_URL", "https://api.test/", "chat_url", "https://api.test"),
    ("SMTP_URL", "smtps://m.test", "smtp_url", "smtps://m.test"),
    ("STRIPE_API_BASE", "http://cards.test/", "stripe_url", "http://cards.test"),
    ("STRIPE_API_KEY", "sk_test", "stripe_key", "sk_test"),
    ("STRIPE_WEBHOOK_SECRET", "whsec_a, whsec_b", "stripe_webhook_secrets", frozenset({"whsec_a", "whsec_b"})),
    ("TRIAL_CAP", "7", "trial_cap_nanos", 7 * 10**9),
    ("VERSION", "v7", "version", "v7"),
    ("VERTEX_LOCATION", "europe-west1", "vertex_location", "europe-west1"),
    ("VERTEX_URL", "http://vertex.test", "vertex_url", "http://vertex.test"),
    ("WEBHOOK_ALLOW_PRIVATE", "True", "webhook_allow_private", True),
    ("WEBHOOK_SIGNING_KEY", f"{'a' * 32},{'b' * 32}", "webhook_signing_keys", (b"a" * 32, b"b" * 32)),
]


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment in which nothing of ours is set but the project, which has no default."""
    former = [name for names in config.ALIASES.values() for name in names]
    seller = [f"SELLER_{name}" for name in ("NAME", "ADDRESS", "COUNTRY", "VAT_ID", "EMAIL")]
    addresses = [f"{name.upper().replace('-', '_')}_URL" for name in config.ALIASES]
    others = ["GOOGLE_CLOUD_PROJECT", "GOOGLE_SERVICE_ACCOUNT_KEY", "AGENTS_CHAT_URL"]
    for name in {name for name, _, _, _ in SET}.union(former, seller, addresses, others):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT_ID", "shop-1")


@pytest.mark.parametrize(("setting", "expected"), DEFAULTS, ids=[name for name, _ in DEFAULTS])
def test_without_a_value_a_setting_has_its_default(setting: str, expected: object) -> None:
    assert getattr(Settings(), setting) == expected


@pytest.mark.parametrize(("name", "value", "setting", "expected"), SET, ids=[f"{n}-{s}" for n, _, s, _ in SET])
def test_a_variable_sets_what_it_is_named_for(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, setting: str, expected: object
) -> None:
    monkeypatch.setenv(name, value)
    assert getattr(Settings(), setting) == expected


@pytest.mark.parametrize("name", ["ENVIRONMENT", "BIGQUERY_DATASET_ID", "PUBLIC_URL", "SMTP_URL"])
def test_an_empty_variable_is_like_none(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    setting = next(setting for variable, _, setting, _ in SET if variable == name)
    default = getattr(Settings(), setting)
    monkeypatch.setenv(name, "")
    assert getattr(Settings(), setting) == default


def test_the_project_is_also_found_under_googles_own_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "of-google")
    assert Settings().project == "shop-1"
    monkeypatch.delenv("GOOGLE_CLOUD_PROJECT_ID")
    assert Settings().project == "of-google"
    assert Settings().service_account("push") == "agenthub-push@of-google.iam.gserviceaccount.com"


ORIGINAL = [(name, deployment) for deployment, names in config.ALIASES.items() for name in names]


@pytest.mark.parametrize(("name", "deployment"), ORIGINAL, ids=[name for name, _ in ORIGINAL])
def test_the_original_systems_address_leads_to_the_deployment(
    monkeypatch: pytest.MonkeyPatch, name: str, deployment: str
) -> None:
    monkeypatch.setenv(name, "http://there.test/")
    assert Settings().address(deployment) == "http://there.test"
    assert Settings.address(Settings(), deployment) == "http://there.test"
    monkeypatch.setenv(f"{deployment.upper().replace('-', '_')}_URL", "http://here.test")
    assert Settings().address(deployment) == "http://here.test"


def test_the_laptop_sets_the_original_systems_names_for_the_same_deployments() -> None:
    assert dict(ORIGINAL) == plan.ALIASES


def test_a_deployment_without_former_name_has_its_own_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTS_CHAT_URL", "http://chat.test/")
    monkeypatch.setenv("DEPLOYMENT", "agents-chat")
    assert Settings().own_address == "http://chat.test"


def test_the_seller_is_made_of_five_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = {"name": "AgentHub", "address": (), "country": None, "vat_id": None, "email": None}
    assert Settings().seller == nobody
    monkeypatch.setenv("SELLER_NAME", "Linden GmbH")
    monkeypatch.setenv("SELLER_ADDRESS", "Street 1 | 10115 Berlin")
    monkeypatch.setenv("SELLER_COUNTRY", "DE")
    monkeypatch.setenv("SELLER_VAT_ID", "DE1")
    monkeypatch.setenv("SELLER_EMAIL", "a@x.test")
    whole = {"address": ("Street 1", "10115 Berlin"), "country": "DE", "vat_id": "DE1", "email": "a@x.test"}
    assert Settings().seller == {"name": "Linden GmbH", **whole}


def test_google_service_account_key_is_the_base64_of_a_key_file(monkeypatch: pytest.MonkeyPatch) -> None:
    key = {"type": "service_account", "client_email": "a@shop-1.iam.gserviceaccount.com"}
    monkeypatch.setenv("GOOGLE_SERVICE_ACCOUNT_KEY", base64.b64encode(json.dumps(key).encode()).decode())
    assert Settings().service_account_key == key


WRONG: list[tuple[str, str | None, Callable[[Settings], object]]] = [
    ("GOOGLE_CLOUD_PROJECT_ID", None, lambda found: found.project),
    ("GOOGLE_SERVICE_ACCOUNT_KEY", '{"type": "service_account"}', lambda found: found.service_account_key),
    ("GOOGLE_SERVICE_ACCOUNT_KEY", base64.b64encode(b"no json").decode(), lambda found: found.service_account_key),
    ("INSTALLATION_KEY", None, lambda found: found.installation_key),
    ("INSTALLATION_KEY", base64.b64encode(b"short").decode(), lambda found: found.installation_key),
    ("INSTALLATION_KEY", "no base64!", lambda found: found.installation_key),
    ("TRIAL_CAP", "five", lambda found: found.trial_cap_nanos),
    ("WEBHOOK_SIGNING_KEY", None, lambda found: found.webhook_signing_keys),
    ("WEBHOOK_SIGNING_KEY", "short", lambda found: found.webhook_signing_keys),
    ("AGENTS_API_URL", None, lambda found: found.address("agents-api")),
]


@pytest.mark.parametrize(("name", "value", "read"), WRONG, ids=[f"{name}={value}" for name, value, _ in WRONG])
def test_what_is_missing_or_wrong_is_said_by_its_name_when_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str | None, read: Callable[[Settings], object]
) -> None:
    monkeypatch.delenv(name, raising=False)
    if value is not None:
        monkeypatch.setenv(name, value)
    found = Settings()
    with pytest.raises(MissingSetting, match=name):
        read(found)
