"""What one event adds to the rollups, pure: nested counters for an hour, a day and a month, added blindly."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from functions.shared import clock, contracts, histogram
from functions.shared.contracts import Counters

Added = dict[str, Any]

TIMES = ("last_micros", "as_of_micros")
"""What is no count: of two the later holds."""


def names(moment: datetime, zone: ZoneInfo) -> tuple[str, str, str]:
    """The documents that a moment belongs to: its hour in UTC, its day and month in the workspace's time zone."""
    local = moment.astimezone(zone)
    return f"hour_{moment:%Y-%m-%dT%H}", f"day_{local:%Y-%m-%d}", f"month_{local:%Y-%m}"


def placed(name: str, added: Added, newest: int) -> Added:
    """What is added to one document: in an hour's to the quarter as well. `newest` is the event's time in microseconds."""
    dated = {**added, "as_of_micros": newest}
    if not name.startswith("hour_"):
        return dated
    quarter = contracts.QUARTERS[newest // 900_000_000 % 4]
    lean = {
        dimension: _lean(counters) if dimension == "total" else {key: _lean(one) for key, one in counters.items()}
        for dimension, counters in added.items()
        if dimension != "versions"
    }
    return {**dated, "quarters": {quarter: {**lean, "as_of_micros": newest}}}


def _lean(counters: Added) -> Added:
    return {name: value for name, value in counters.items() if name not in ("latency", "first_token", "last_micros")}


def of_usage(row: Mapping[str, Any]) -> Added:
    """What a usage event adds to each of its documents, by every dimension."""
    counters = {name: value for name, value in _usage(row) if value}
    for name in ("latency", "first_token"):
        milliseconds = row.get(f"{name}_ms")
        if row["type"] == "turn" and milliseconds is not None:
            counters[name] = {histogram.bucket(milliseconds): 1}
    return _by_dimension(row, counters, model=f"{row['provider']}/{row['model']}")


def _usage(row: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    turn = row["type"] == "turn"
    pending = int(any(row.get(bucket) is None for bucket in contracts.BUCKETS))
    if turn:
        yield "turns", int(row["outcome"] in ("completed", "interrupted"))
        yield row["outcome"], 1
        yield "conversations", int(row["new_conversation"])
        yield "visitors", int(bool(row.get("new_visitor")))
        # Only in a widget is known who had been there before.
        yield "returning", int(row["new_conversation"] and row["channel"] == "widget" and not row.get("new_visitor"))
        yield "handed_off", int(row["handed_off"])
        yield "pending", pending
    elif row["type"] == "correction":
        # What was pending is known now.
        yield "pending", pending - 1
    yield "estimated", int(row["estimated"])
    for bucket in contracts.BUCKETS:
        yield bucket, row.get(bucket) or 0
    yield "cost_nanos", row["cost_nanos"]
    yield "charge_nanos", row["charge_nanos"]


def of_conversation(row: Mapping[str, Any]) -> Added:
    """What a conversation event adds: a thumb, stars, a hand-off, a lead, resolved or not. Of a thumb or stars that take
    the place of others the difference, so that the latest word counts, and once."""
    rating, replaces = row.get("rating") or 0, row.get("replaces") or 0
    match row["type"]:
        case "feedback":
            up, down = int(rating > 0) - int(replaces > 0), int(rating < 0) - int(replaces < 0)
            counters = {name: value for name, value in (("feedback_up", up), ("feedback_down", down)) if value}
        case "rating":
            counters = {"rating_sum": rating - replaces} | ({} if replaces else {"ratings": 1})
        case "hand_off":
            counters = {"handed_off": 1}
        case "lead":
            counters = {"leads": 1}
        case "resolved" | "unresolved" as kind:
            counters = {kind: 1}
        case _:
            counters = {}
    return _by_dimension(row, counters)


def _by_dimension(row: Mapping[str, Any], counters: Added, model: str | None = None) -> Added:
    if not counters:
        return {}
    added: Added = {"total": counters, "agents": {row["agent_id"]: {**counters, "last_micros": micros(row)}}}
    keys = {
        "models": model,
        "channels": row.get("channel"),
        "industries": row.get("industry"),
        "versions": row.get("version_id"),
    }
    return added | {dimension: {key: counters} for dimension, key in keys.items() if key}


def moment(row: Mapping[str, Any]) -> datetime:
    """When the event counts: when it happened, and a changed thumb or rating when the first one was given, so that no
    hour has a rating without its stars."""
    return clock.from_text(row.get("counts_at") or row["occurred_at"])


def micros(row: Mapping[str, Any]) -> int:
    """When the event counts, in microseconds of Unix time."""
    return clock.to_micros(moment(row))


def plus(left: Added, right: Added) -> Added:
    """Both added up, as the database adds the second to the first."""
    total = dict(left)
    for key, value in right.items():
        if isinstance(value, dict):
            total[key] = plus(total.get(key, {}), value)
        else:
            total[key] = max(total.get(key, 0), value) if key in TIMES else total.get(key, 0) + value
    return total


def summed(parts: list[Counters]) -> Counters:
    """Several counters added up."""
    total: dict[str, Any] = {}
    for name in Counters.model_fields:
        values = [getattr(part, name) for part in parts]
        if name in ("latency", "first_token"):
            total[name] = histogram.merged(*values)
        else:
            total[name] = max(values, default=0) if name == "last_micros" else sum(values)
    return Counters(**total)
