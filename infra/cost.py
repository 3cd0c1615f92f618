"""What AgentHub costs on Google Cloud, out of counted operations and list prices: so that no figure in the guides is a guess.

`python -m infra.cost [--turns 5] [--conversations 1000] …` prints what that many conversations cost and what a month costs
in which nobody talks. What the code does is counted (COUNTED, checked by tests that run it); what depends on the
installation is assumed and can be set (ASSUMED); prices are data with source and date (infra/list_prices.yaml). Every sum
is an exact fraction and is rounded for printing alone.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent
PRICES = ROOT / "infra" / "list_prices.yaml"
CATALOGUE = ROOT / "infra" / "catalogue.yaml"
MODELS = ROOT / "functions" / "shared" / "prices.yaml"

GIB = 1024**3
DAYS = Fraction(365, 12)
HOURS = DAYS * 24

COUNTED: dict[str, dict[str, int]] = {
    "session": {"firestore_reads": 4, "firestore_writes": 1, "signatures": 1},
    "turn": {"firestore_reads": 6, "firestore_writes": 7, "pubsub_publishes": 1},
    "rollups": {"firestore_writes": 4},
    # With the look at the caps.
    "charges": {"firestore_reads": 1, "firestore_writes": 3},
    # For each event of the day that is closed.
    "booking": {"firestore_reads": 1},
    # And once more when the month's invoice is finalized, for its evidence.
    "evidence": {"firestore_reads": 1},
    # A run of the relay that finds nothing.
    "relay": {"firestore_reads": 1, "firestore_writes": 1},
    # A look for deliveries to try again that finds none.
    "retries": {"firestore_reads": 1},
}
"""What one of each takes, as functions/shared/logs.py counts it; the tests run each and compare."""

_EXPIRING_PER_TURN = 3
"""The event and two consumers' marks, which TTL deletes."""
_EXAMINED_DAYS = 35
"""So long the close counts the events of a closed day again, at one read for a thousand."""
_PUSHES = 2
_UPTIME_REGIONS = 3
_LEAST_SCANNED = 10 * 1024**2


@dataclass(frozen=True)
class Assumed:
    """What depends on the installation. Whole numbers, in the unit that the name says."""

    turns: int = 5
    turn_ms: int = 4000
    other_ms: int = 150
    input_tokens: int = 1500
    output_tokens: int = 150
    question_tokens: int = 20
    message_bytes: int = 2048
    stored_bytes_per_turn: int = 8192
    log_bytes_per_request: int = 1024
    widget_bytes: int = 40_000
    image_mib: int = 120
    relay_ms: int = 1000
    model: str = "vertexai/gemini-3.5-flash-lite"
    embedding: str = "vertexai/gemini-embedding-001"


@dataclass(frozen=True)
class Price:
    """A list price: `usd` for `per` units, of which `free` cost nothing each month. `read` None is unverified."""

    name: str
    usd: Fraction
    per: Fraction
    unit: str
    free: Fraction
    source: str
    read: str | None

    def of(self, quantity: Fraction) -> Fraction:
        """USD at the list price, nothing free."""
        return quantity * self.usd / self.per

    def after_free(self, quantity: Fraction) -> Fraction:
        """USD where nothing else in the month has used what is free."""
        return self.of(max(Fraction(0), quantity - self.free))


@dataclass(frozen=True)
class Line:
    """One item of a sum."""

    what: str
    price: Price
    quantity: Fraction

    @property
    def usd(self) -> Fraction:
        """At the list price."""
        return self.price.of(self.quantity)

    @property
    def usd_after_free(self) -> Fraction:
        """Less what is free."""
        return self.price.after_free(self.quantity)


class UnknownModel(Exception):
    """The price book has no such model."""


def list_prices(path: Path = PRICES) -> dict[str, Price]:
    """Google's list prices by name. Money and quantities are exact."""
    found = {}
    for name, entry in yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader).items():
        if isinstance(entry["usd"], float) or isinstance(entry["free"], float):
            raise TypeError(f"{name}: write what has a point in quotes")
        found[name] = Price(
            name,
            Fraction(entry["usd"]),
            Fraction(entry["per"]),
            entry["unit"],
            Fraction(entry["free"]),
            entry["source"],
            str(entry["read"]) if entry["read"] else None,
        )
    return found


def model_price(model: str, bucket: str, path: Path = MODELS) -> Price:
    """The book's opening price of a bucket (input, output) of a model, for a million tokens. Raises UnknownModel."""
    book: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    provider, _, name = model.partition("/")
    for version in book["versions"]:
        for entry in version["models"]:
            if (entry["provider"], entry["model"]) == (provider, name):
                return Price(
                    f"{model} {bucket}", Fraction(entry[bucket]), Fraction(10**6), f"{bucket} tokens", Fraction(0),
                    "functions/shared/prices.yaml", entry["checked"],
                )  # fmt: skip
    raise UnknownModel(model)


def of_conversations(number: int, assumed: Assumed, prices: Mapping[str, Price]) -> list[Line]:
    """What `number` conversations of visitors cost: each opens a session and has `assumed.turns` turns."""
    turns = number * assumed.turns
    each = {name: Counted(operations) for name, operations in COUNTED.items()}
    per_turn = each["turn"] + each["rollups"] + each["charges"] + each["booking"] + each["evidence"]
    whole = each["session"] * number + per_turn * turns
    # A visitor's page asks twice before it speaks: the preflights of session and chat.
    calls = number * (1 + 2) + turns
    requests = calls + turns * _PUSHES
    chat_seconds = Fraction(turns * assumed.turn_ms, 1000)
    other_seconds = Fraction((requests - turns) * assumed.other_ms, 1000)
    stored = Fraction(turns * assumed.stored_bytes_per_turn, GIB)
    message = turns * assumed.message_bytes
    counted: list[tuple[str, str, Fraction | int]] = [
        ("API Gateway", "gateway_calls", calls),
        ("Cloud Run requests", "run_requests", requests),
        # As if no two requests ever shared an instance: the most it can be.
        ("Cloud Run vCPU, requests alone", "run_cpu", chat_seconds + other_seconds),
        ("Cloud Run memory", "run_memory", chat_seconds + other_seconds / 2),
        ("Firestore reads", "firestore_reads", whole.reads + Fraction(turns * _EXAMINED_DAYS, 1000)),
        ("Firestore writes", "firestore_writes", whole.writes),
        ("Firestore deletes by TTL", "firestore_deletes", turns * _EXPIRING_PER_TURN + number),
        ("Firestore storage, one month", "firestore_storage", stored),
        ("Point-in-time recovery, one month", "firestore_recovery", stored),
        ("Backups, seven of them, one month", "firestore_backups", stored * 7),
        ("Pub/Sub, published and pushed", "pubsub_throughput", message * (1 + _PUSHES)),
        ("Pub/Sub to BigQuery", "pubsub_to_bigquery", message),
        ("BigQuery storage, one month", "bigquery_storage", Fraction(message, GIB)),
        ("Logs", "logging", Fraction((requests + turns) * assumed.log_bytes_per_request, GIB)),
        ("The widget's script, to browsers", "egress", Fraction(number * assumed.widget_bytes, GIB)),
        ("The widget's script, reads", "storage_reads", number * 3),
    ]
    return [Line(what, prices[name], Fraction(quantity)) for what, name, quantity in counted]


def of_models(number: int, assumed: Assumed) -> list[Line]:
    """What the provider takes for the same conversations."""
    turns = number * assumed.turns
    return [
        Line("Model, input", model_price(assumed.model, "input"), Fraction(turns * assumed.input_tokens)),
        Line("Model, output", model_price(assumed.model, "output"), Fraction(turns * assumed.output_tokens)),
        Line("Embedding of questions", model_price(assumed.embedding, "input"), Fraction(turns * assumed.question_tokens)),
    ]  # fmt: skip


def of_idle_month(catalogue: Mapping[str, Any], assumed: Assumed, prices: Mapping[str, Price]) -> list[Line]:
    """What a month costs in which nobody talks, in an installation without data."""
    relays = retries = HOURS * 6
    closes = sweeps = DAYS
    runs = relays + retries + closes + sweeps
    seconds = runs * Fraction(assumed.relay_ms, 1000)
    relay, looked = Counted(COUNTED["relay"]), Counted(COUNTED["retries"])
    images = Fraction(len(catalogue["deployments"]) * assumed.image_mib, 1024)
    counted: list[tuple[str, str, Fraction | int]] = [
        ("Schedules", "scheduler_jobs", len(catalogue["schedules"])),
        ("Cloud Run requests of the schedules", "run_requests", runs),
        ("Cloud Run vCPU of the schedules", "run_cpu", seconds),
        ("Cloud Run memory of the schedules", "run_memory", seconds / 2),
        (
            "Firestore reads of the schedules",
            "firestore_reads",
            relays * relay.reads + retries * looked.reads + closes + sweeps,
        ),
        ("Firestore writes of the schedules", "firestore_writes", relays * relay.writes),
        ("BigQuery, the close's one query a day", "bigquery_queries", closes * _LEAST_SCANNED),
        ("Images of the functions", "image_storage", images),
        ("Secrets", "secret_versions", len(catalogue.get("secrets") or {})),
        ("Uptime checks, two from three regions", "uptime_checks", HOURS * 4 * 2 * _UPTIME_REGIONS),
        ("Logs of the schedules", "logging", runs * assumed.log_bytes_per_request * 2 / GIB),
    ]
    return [Line(what, prices[name], Fraction(quantity)) for what, name, quantity in counted]


def of_own_domain(prices: Mapping[str, Price]) -> list[Line]:
    """What `cdn_domain` adds to every month."""
    return [Line("Load balancer of cdn_domain", prices["forwarding_rules"], HOURS)]


class Counted:
    """Paid operations that can be added and multiplied."""

    def __init__(self, operations: Mapping[str, int]) -> None:
        self.operations = dict(operations)

    def __add__(self, other: "Counted") -> "Counted":
        names = self.operations.keys() | other.operations.keys()
        return Counted({name: self.operations.get(name, 0) + other.operations.get(name, 0) for name in names})

    def __mul__(self, times: int) -> "Counted":
        return Counted({name: number * times for name, number in self.operations.items()})

    @property
    def reads(self) -> int:
        """Documents read."""
        return self.operations.get("firestore_reads", 0)

    @property
    def writes(self) -> int:
        """Documents written."""
        return self.operations.get("firestore_writes", 0)


def shown(usd: Fraction, places: int = 4) -> str:
    """A sum in USD, rounded half away from zero for people; the fraction itself is exact."""
    unit = 10**places
    whole, rest = divmod(abs(usd) * unit, 1)
    digits = int(whole) + (1 if rest * 2 >= 1 else 0)
    point = f".{digits % unit:0{places}d}" if places else ""
    return f"{'-' if usd < 0 and digits else ''}{digits // unit}{point}"


def table(title: str, lines: Sequence[Line]) -> list[str]:
    """Lines and their sum as text; `?` marks a price that nobody has verified."""
    rows = [title, f"  {'':<40} {'USD':>10} {'less free':>10}"]
    for line in lines:
        mark = " " if line.price.read else "?"
        quantity = shown(line.quantity, 2 if line.quantity.denominator > 1 else 0)
        rows.append(
            f"{mark} {line.what:<40} {shown(line.usd):>10} {shown(line.usd_after_free):>10}  {quantity} {line.price.unit}"
        )
    total, after = sum((x.usd for x in lines), Fraction(0)), sum((x.usd_after_free for x in lines), Fraction(0))
    rows.append(f"  {'together':<40} {shown(total):>10} {shown(after):>10}")
    return rows


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the sums."""
    parser = argparse.ArgumentParser(prog="cost", description="Costs on Google Cloud, out of counted operations.")
    parser.add_argument("--conversations", type=int, default=1000)
    for one in fields(Assumed):
        kind = str if isinstance(one.default, str) else int
        parser.add_argument(f"--{one.name.replace('_', '-')}", type=kind, default=one.default)
    options = vars(parser.parse_args(arguments))
    number = options.pop("conversations")
    assumed, prices = replace(Assumed(), **options), list_prices()
    catalogue = yaml.load(CATALOGUE.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    try:
        models = of_models(number, assumed)
    except UnknownModel as error:
        print(f"functions/shared/prices.yaml has no model {error}.", file=sys.stderr)
        return 1
    title = f"{number} conversations of {assumed.turns} turns"
    parts = [
        table(
            f"{title}: Google Cloud, at list price and less what a month has free",
            of_conversations(number, assumed, prices),
        ),
        table(f"{title}: {assumed.model}", models),
        table("A month in which nobody talks", of_idle_month(catalogue, assumed, prices)),
        table("A domain of one's own adds each month", of_own_domain(prices)),
    ]
    print("\n\n".join("\n".join(part) for part in parts))
    print("\nAssumed: " + ", ".join(f"{one.name} {getattr(assumed, one.name)}" for one in fields(Assumed)) + ".")
    unverified = sorted(price.name for price in prices.values() if price.read is None)
    print(f"Prices: infra/list_prices.yaml, with sources and dates. Unverified (?): {', '.join(unverified)}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
