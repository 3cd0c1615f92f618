"""Catalogue, rows and names for the tests of the local BigQuery."""

import datetime
from pathlib import Path
from typing import Any

from local.bigquery.catalogue import read

CATALOGUE_FILE = Path(__file__).parents[3] / "infra" / "catalogue.yaml"
CATALOGUE = read(CATALOGUE_FILE)
PROJECT = "agenthub-local"
DATASET = "agenthub_local"
USAGE = f"{PROJECT}.{DATASET}.usage_events"
JANUARY = datetime.datetime(2027, 1, 1, tzinfo=datetime.UTC)
FEBRUARY = datetime.datetime(2027, 2, 1, tzinfo=datetime.UTC)


def usage_event(event_id: str, **changes: Any) -> dict[str, Any]:
    """A row of usage_events that is valid."""
    return {
        "event_id": event_id,
        "type": "turn",
        "workspace_id": "ws_one",
        "agent_id": "ag_one",
        "channel": "widget",
        "provider": "offline",
        "model": "quote",
        "occurred_at": "2027-01-05T10:00:00Z",
        "recorded_at": "2027-01-05T10:00:01Z",
        "outcome": "answered",
        "estimated": False,
        "input_tokens": 100,
        "output_tokens": 20,
        "price_version": "2027-01",
        "plan_version": "1",
        "currency": "USD",
        "cost_nanos": 900_000,
        "charge_nanos": 1_200_000,
        "new_conversation": True,
        "handed_off": False,
        "digest": "d1",
        **changes,
    }
