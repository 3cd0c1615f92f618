"""What the functions find in their environment: the names that Terraform sets in the cloud, with local values.

What somebody has set before starting the stack (a model provider's key, TRIAL_CAP, …) reaches the functions; the
addresses and accounts below are always ours.
"""

from collections.abc import Mapping
from pathlib import Path

from local.supervisor.addresses import Addresses
from local.supervisor.plan import ALIASES, Deployment, Plan, account, url_variable

_DATASET = "agenthub_local"
_BIGQUERY = "https://bigquery.googleapis.com"


def uses_real_bigquery(environment: Mapping[str, str]) -> bool:
    """Whether USE_BIGQUERY asks for Google's BigQuery instead of the local one."""
    return environment.get("USE_BIGQUERY", "").lower() in ("true", "1", "yes")


def warehouse_of(environment: Mapping[str, str], addresses: Addresses) -> list[str]:
    """The options of the engine that carries rows into BigQuery: into which, and whether as an account."""
    if not uses_real_bigquery(environment):
        return ["--bigquery", addresses.engine("bigquery")]
    # Google's own client takes another address of its service from the same variable.
    return ["--bigquery", environment.get("BIGQUERY_EMULATOR_HOST") or _BIGQUERY, "--bigquery-account"]


def uses_stripe(environment: Mapping[str, str]) -> bool:
    """Whether somebody's own STRIPE_API_KEY is there: then cards are Stripe's affair and not ours."""
    return bool(environment.get("STRIPE_API_KEY"))


def allows_faults(environment: Mapping[str, str]) -> bool:
    """Whether AGENTHUB_MODEL_FAULTS lets a user's text ask the offline model for a fault; for tests only."""
    return environment.get("AGENTHUB_MODEL_FAULTS", "").lower() in ("true", "1", "yes")


def dataset(environment: Mapping[str, str]) -> str:
    """The BigQuery data set in use."""
    return environment.get("BIGQUERY_DATASET_ID") or _DATASET


def cards_key(secret: str) -> str:
    """The key that our card service asks for."""
    return f"sk_test_{secret.removeprefix('whsec_')[:24]}"


def for_all(
    plan: Plan,
    addresses: Addresses,
    project: str,
    environment: Mapping[str, str],
    *,
    signing_key: str,
    cards_secret: str,
) -> dict[str, str]:
    """What every function gets. Somebody's own SMTP_URL is used in place of the folder of mails, and their own
    STRIPE_API_KEY in place of our card service."""
    identity = addresses.engine("identity")
    model = f"{addresses.engine('model')}/v1"
    ours = {
        **addresses.emulators(),
        "ENVIRONMENT": "local",
        "GOOGLE_CLOUD_PROJECT_ID": project,
        "GOOGLE_CLOUD_PROJECT": project,
        "IAM_CREDENTIALS_URL": identity,
        "GOOGLE_APIS_URL": f"{identity}/www.googleapis.com",
        "IDENTITY_TOOLKIT_URL": f"{identity}/identitytoolkit.googleapis.com",
        "CDN_BUCKET": "cdn",
        "ARCHIVE_BUCKET": "archive",
        "EXPORTS_BUCKET": "exports",
        "STORAGE_URL": addresses.public,
        "PUBLIC_URL": addresses.public,
        "API_URL": addresses.public,
        "OFFLINE_MODEL_URL": model,
        "WEBHOOK_ALLOW_PRIVATE": "true",
        "WEBHOOK_SIGNING_KEY": signing_key,
        **{url_variable(d.name): addresses.deployment(d.name) for d in plan.deployments},
    }
    known = {d.name for d in plan.deployments}
    ours |= {alias: addresses.deployment(name) for alias, name in ALIASES.items() if name in known}
    defaults = {
        "BIGQUERY_DATASET_ID": dataset(environment),
        "DEFAULT_MODEL": "offline/offline-extractive",
        "EMBEDDING_MODEL": "offline/wordllama-256",
        "MAIL_FROM": "AgentHub <agenthub@localhost>",
        "PYTHONUNBUFFERED": "1",
        "SMTP_URL": f"smtp://{addresses.host('mail')}",
    }
    if not uses_stripe(environment):
        ours |= {
            "STRIPE_API_KEY": cards_key(cards_secret),
            "STRIPE_WEBHOOK_SECRET": cards_secret,
            "STRIPE_API_BASE": addresses.engine("cards"),
        }
    if uses_real_bigquery(environment):
        del ours["BIGQUERY_EMULATOR_HOST"]
    return {**defaults, **environment, **ours}


def for_one(deployment: Deployment, project: str, credentials: Path) -> dict[str, str]:
    """What one deployment gets on top."""
    return {
        "DEPLOYMENT": deployment.name,
        "K_SERVICE": deployment.name,
        "K_REVISION": f"{deployment.name}-local",
        "GOOGLE_APPLICATION_CREDENTIALS": str(credentials),
        "CALLERS": ",".join(account(name, project) for name in deployment.callers),
        "THREADS": str(deployment.concurrency),
        "WORKERS": "1",
        "CLOUD_RUN_TIMEOUT_SECONDS": str(deployment.timeout),
    }
