"""A busy workspace's months: so many turns, their rollups, added by the code that counts an event, and their rows.

No turn stands for others. An hour so holds the keys that it would hold: each agent, version, model, latency bucket and
quarter that one of its turns had. Days of the workspace are days of UTC, so a day is the sum of its hours.
"""

import multiprocessing
import random
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[2]
CORES = 2
VERSIONS = 3
"""Of each agent, all in use: what a span of weeks has of an agent that is cared for."""
INDUSTRIES = ("dental", "legal", "travel", "education")
CHANNELS = ("widget", "api")
MODELS = ("gemini-3.5-flash-lite", "gemini-3.5-flash", "gemini-3.1-pro")

ROWS = """
INSERT INTO "{dataset}"."usage_events" BY NAME
SELECT
  sha256(i::VARCHAR) AS event_id, 'turn' AS type, {workspaces}[1 + i // 7 % {many}] AS workspace_id,
  'agt_' || (i % 20) AS agent_id, 'ver_' || (i % 60) AS version_id, 'cnv_' || (i // 3) AS conversation_id,
  ['widget', 'api'][1 + i % 2] AS channel, 'wgt_1' AS widget_id, {industries}[1 + i % {kinds}] AS industry,
  'offline' AS provider, 'offline-extractive' AS model,
  TIMESTAMPTZ '{since}' + to_microseconds(i * {apart}) AS occurred_at,
  TIMESTAMPTZ '{since}' + to_microseconds(i * {apart} + 1000000) AS recorded_at,
  CASE WHEN i % 90 = 0 THEN 'failed' ELSE 'completed' END AS outcome, false AS estimated,
  100 + i % 900 AS input_tokens, 0 AS cached_input_tokens, 20 + i % 80 AS output_tokens, 0 AS reasoning_tokens,
  '2026-10' AS price_version, '1' AS plan_version, 'USD' AS currency, 900000 AS cost_nanos, 1200000 AS charge_nanos,
  -- Spread over all buckets, and differently from workspace to workspace.
  (30 * exp((hash(i) % 1000) / 150.0))::INTEGER AS latency_ms, (10 * exp((hash(i) % 700) / 150.0))::INTEGER AS first_token_ms,
  i % 3 = 0 AS new_conversation, i % 6 = 0 AS new_visitor, i % 40 = 0 AS handed_off, md5(i::VARCHAR) AS trace_id,
  sha256('digest' || i) AS digest
FROM range({number}) AS rows(i)
"""


class Span(NamedTuple):
    """So many turns of these agents, spread evenly by chance over the days from the first on."""

    workspace: str
    agents: Sequence[str]
    first: date
    days: int
    turns: int

    def versions(self, agent: str) -> list[str]:
        """The versions of one agent that its turns name."""
        return [f"ver_{agent.removeprefix('agt_')}{number}" for number in range(VERSIONS)]


def rolled_up(span: Span) -> Iterator[dict[str, dict[str, Any]]]:
    """The rollups of its days by name, day after day: each with its 24 hours. On two processes."""
    with multiprocessing.get_context("spawn").Pool(CORES) as pool:
        yield from pool.imap(_day, [(span, number) for number in range(span.days)])


def _day(asked: tuple[Span, int]) -> dict[str, dict[str, Any]]:
    from functions.analytics import rollups

    span, number = asked
    begins = datetime.combine(span.first, time(), UTC) + timedelta(days=number)
    turns = span.turns * (number + 1) // span.days - span.turns * number // span.days
    documents: dict[str, dict[str, Any]] = {}
    for row in _turns(span, begins, turns):
        newest = rollups.micros(row)
        name = f"hour_{row['occurred_at'][:13]}"
        documents[name] = rollups.plus(documents.get(name, {}), rollups.placed(name, rollups.of_usage(row), newest))
    day: dict[str, Any] = {}
    for hour in documents.values():
        day = rollups.plus(day, {name: value for name, value in hour.items() if name != "quarters"})
    return {**documents, f"day_{begins:%Y-%m-%d}": day}


def _turns(span: Span, begins: datetime, number: int) -> Iterator[dict[str, Any]]:
    """A day's turns, in no order."""
    from functions.shared import clock
    from tests.functions import rooms

    chance = random.Random(f"{begins}")
    row = rooms.usage(span.workspace, "", begins)  # type: ignore[arg-type]
    versions = [span.versions(agent) for agent in span.agents]
    for place in range(number):
        agent = chance.randrange(len(span.agents))
        latency = int(chance.lognormvariate(7, 0.8))
        yield {
            **row,
            "agent_id": span.agents[agent],
            "version_id": versions[agent][chance.randrange(VERSIONS)],
            "provider": "vertexai",
            "model": MODELS[agent % len(MODELS)],
            "industry": INDUSTRIES[agent % len(INDUSTRIES)],
            "channel": CHANNELS[agent % len(CHANNELS)],
            "occurred_at": clock.to_text(begins + timedelta(microseconds=chance.randrange(86_400 * 10**6))),
            "new_conversation": place % 3 == 0,
            "new_visitor": place % 6 == 0,
            "handed_off": place % 40 == 0,
            "outcome": "failed" if place % 90 == 0 else "completed",
            "latency_ms": latency,
            "first_token_ms": latency // 4,
        }


def stored(folder: Path, dataset: str, workspaces: Sequence[str], since: datetime, days: int, number: int) -> None:
    """Put so many turns of these workspaces, evenly over the days, into a warehouse's own file, before it is started."""
    from local.bigquery.catalogue import read
    from local.bigquery.warehouse import Warehouse

    folder.mkdir(parents=True)
    warehouse = Warehouse(folder, dataset, read(ROOT / "infra" / "catalogue.yaml"))
    inserted = ROWS.format(
        dataset=dataset,
        workspaces=list(workspaces),
        many=len(workspaces),
        industries=list(INDUSTRIES),
        kinds=len(INDUSTRIES),
        since=since.isoformat(),
        apart=days * 86_400 * 10**6 // number,
        number=number,
    )
    warehouse._writer.execute(inserted)
    warehouse.close()
