"""The project after a start with the catalogue, and after a start with another one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.deployments import read_catalogue
from local.pubsub.catalogue import CatalogueError, Plan
from local.pubsub.database import Database
from local.pubsub.registry import Registry
from tests.engines import ROOT

CATALOGUE = read_catalogue(ROOT / "infra" / "catalogue.yaml")
PROJECT = "agenthub-local"
ADDRESSES = {name: f"http://127.0.0.1:{d['port']}" for name, d in CATALOGUE["deployments"].items()}


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    database = Database(tmp_path)
    yield Registry(database)
    database.close()


def apply(registry: Registry, catalogue: dict[str, object], addresses: dict[str, str] = ADDRESSES) -> None:
    Plan(catalogue, PROJECT, addresses, "agenthub_local").apply(registry)


def subscription(registry: Registry, name: str):
    return registry.subscription(f"projects/{PROJECT}/subscriptions/{name}").body


def test_the_catalogue_is_in_the_project_after_the_start(registry: Registry) -> None:
    apply(registry, CATALOGUE)
    assert {t.name.rsplit("/", 1)[-1] for t in registry.topics(f"projects/{PROJECT}")} == set(CATALOGUE["topics"])
    names = {s.name.rsplit("/", 1)[-1] for s in registry.subscriptions()}
    assert names == set(CATALOGUE["subscriptions"])
    push = subscription(registry, "close-requested.billing")
    assert push.ack_deadline_seconds == 540
    assert push.push_config.push_endpoint == ADDRESSES["billing-close"] + "/events/close-requested"
    assert push.push_config.oidc_token.audience == ADDRESSES["billing-close"]
    assert push.push_config.oidc_token.service_account_email == f"agenthub-push@{PROJECT}.iam.gserviceaccount.com"
    assert push.dead_letter_policy.dead_letter_topic == f"projects/{PROJECT}/topics/dead-letters"
    assert push.dead_letter_policy.max_delivery_attempts == 10
    assert (push.retry_policy.minimum_backoff.seconds, push.retry_policy.maximum_backoff.seconds) == (10, 600)
    assert push.message_retention_duration.seconds == 7 * 86_400
    assert push.HasField("expiration_policy")
    assert not push.expiration_policy.HasField("ttl")
    assert not subscription(registry, "dead-letters.relay").HasField("dead_letter_policy")
    kept = subscription(registry, "dead-letters.kept")
    assert not kept.push_config.push_endpoint
    assert not kept.HasField("retry_policy"), "what is pulled by hand is there again at once"
    rows = subscription(registry, "usage-recorded.warehouse")
    assert rows.bigquery_config.table == f"{PROJECT}.agenthub_local.usage_events"
    assert rows.bigquery_config.use_table_schema
    assert not rows.bigquery_config.drop_unknown_fields


def test_a_second_start_changes_nothing(registry: Registry) -> None:
    apply(registry, CATALOGUE)
    before = [(s.key, s.body.SerializeToString(deterministic=True)) for s in registry.subscriptions()]
    apply(registry, CATALOGUE)
    after = [(s.key, s.body.SerializeToString(deterministic=True)) for s in registry.subscriptions()]
    assert after == before


def test_a_changed_definition_and_address_are_taken_over(registry: Registry) -> None:
    apply(registry, CATALOGUE)
    name = "dead-letters.relay"
    key = registry.subscription(f"projects/{PROJECT}/subscriptions/{name}").key
    changed = CATALOGUE["subscriptions"][name] | {"ack_deadline": 99, "dead_letter_topic": "close-requested"}
    catalogue = CATALOGUE | {"subscriptions": CATALOGUE["subscriptions"] | {name: changed}}
    apply(registry, catalogue, ADDRESSES | {"dashboard-relay": "http://127.0.0.1:1"})
    body = subscription(registry, name)
    assert body.ack_deadline_seconds == 99
    assert body.push_config.push_endpoint == "http://127.0.0.1:1/events/dead-letters"
    assert body.dead_letter_policy.dead_letter_topic.endswith("/close-requested")
    assert registry.subscription(body.name).key == key
    apply(registry, CATALOGUE)
    assert not subscription(registry, name).HasField("dead_letter_policy")


def test_what_is_fixed_at_creation_is_made_anew(registry: Registry) -> None:
    name = "usage-recorded.billing"
    apply(registry, CATALOGUE)
    moved = CATALOGUE["subscriptions"][name] | {"filter": "attributes:x"}
    apply(registry, CATALOGUE | {"subscriptions": CATALOGUE["subscriptions"] | {name: moved}})
    assert subscription(registry, name).filter == "attributes:x"


def test_what_left_the_catalogue_is_deleted_and_what_others_made_stays(registry: Registry) -> None:
    apply(registry, CATALOGUE)
    own = registry.topic(f"projects/{PROJECT}/topics/close-requested").__class__(name=f"projects/{PROJECT}/topics/own")
    registry.create_topic(own)
    apply(registry, CATALOGUE | {"topics": ["usage-recorded", "dead-letters"], "subscriptions": {}})
    assert registry.subscriptions() == []
    names = [t.name.rsplit("/", 1)[-1] for t in registry.topics(f"projects/{PROJECT}")]
    assert names == ["dead-letters", "own", "usage-recorded"]


def test_without_any_address_push_subscriptions_can_be_pulled(registry: Registry) -> None:
    apply(registry, CATALOGUE, {})
    assert registry.require_pull(f"projects/{PROJECT}/subscriptions/usage-recorded.billing")


def test_a_missing_address_is_named(registry: Registry) -> None:
    addresses = {k: v for k, v in ADDRESSES.items() if k != "billing-usage"}
    with pytest.raises(CatalogueError, match="billing pushes to billing-usage"):
        apply(registry, CATALOGUE, addresses)
