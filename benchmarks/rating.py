"""How many usage events a second one core validates and rates, against only reading the same rows from JSON.

Seconds are of CPU, so that other load does not count. Rated as a turn's commit does: usage into cost by the price book,
cost and usage into the charge by each shipped plan. Validated as a consumer does: the row's shape, then its digest.
"""

import datetime
import json
import random
import sys
import time
from collections.abc import Callable
from typing import Any

from benchmarks.rig.figures import arguments, at_least, exit_code, interleaved

AIM = 20_000
NOW = datetime.datetime(2026, 12, 5, 12, tzinfo=datetime.UTC)
BUCKETS = ("input_tokens", "cached_input_tokens", "output_tokens", "reasoning_tokens")


def rows(number: int) -> list[dict[str, Any]]:
    """So many turns of several sizes, complete and sealed."""
    from functions.shared.identity.workspace import founded
    from functions.shared.metering.holds import sealed
    from tests.functions import rooms

    chance, workspace = random.Random(7), founded()
    return [
        sealed(
            rooms.usage(
                workspace,
                f"agt_{chance.randrange(20)}",
                NOW + datetime.timedelta(microseconds=chance.randrange(86_400 * 10**6)),
                input_tokens=chance.randrange(4000),
                cached_input_tokens=chance.choice((0, 800)),
                output_tokens=chance.randrange(600),
                reasoning_tokens=chance.choice((0, 0, 120)),
                new_conversation=place % 3 == 0,
            )
        )
        for place in range(number)
    ]


def rating(found: list[dict[str, Any]], plan: str) -> Callable[[], None]:
    """Each row's tokens validated and rated by a shipped plan."""
    from functions.shared import plans, pricing

    terms = plans.plan_at(plan, NOW)
    price = pricing.price_at("offline", "offline-extractive", None, NOW)

    def run() -> None:
        for row in found:
            usage = pricing.Usage(**{name: row[name] for name in BUCKETS})
            cost = pricing.rate(usage, price)
            plans.charge(usage, cost, terms, model=price.model, conversations=int(row["new_conversation"]))

    return run


def validating(found: list[dict[str, Any]], *, digest: bool) -> Callable[[], None]:
    """Each row's shape validated, and its digest made again if asked."""
    from functions.billing.models import UsageEvent
    from functions.shared import digests

    def run() -> None:
        for row in found:
            event = UsageEvent.model_validate(row)
            if digest and digests.leaf(row) != event.digest:
                raise RuntimeError(f"{event.event_id} is not what it was")

    return run


def tallying(found: list[dict[str, Any]]) -> Callable[[], None]:
    """All rows added up, as a close does."""
    from functions.billing import charges
    from functions.billing.models import UsageEvent

    events = [UsageEvent.model_validate(row) for row in found]

    def run() -> None:
        charges.tally(events, "USD")

    return run


def seconds(*parts: Callable[[], None]) -> Callable[[], float]:
    """The CPU seconds of running all of them."""

    def measure() -> float:
        began = time.process_time()
        for part in parts:
            part()
        return time.process_time() - began

    return measure


def main() -> int:
    """Measure and print."""
    parser = arguments(__doc__)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--times", type=int, default=5)
    options = parser.parse_args()
    found = rows(options.events)
    texts = [json.dumps(row) for row in found]

    def read() -> None:
        for text in texts:
            json.loads(text)

    shape = validating(found, digest=False)
    tries = {
        "JSON read and nothing else": seconds(read),
        **{
            f"validated and rated, {plan}": seconds(shape, rating(found, plan))
            for plan in ("pay_as_you_go", "starter", "per_message", "per_unit", "scale")
        },
        "digest recomputed as well, per_unit": seconds(validating(found, digest=True), rating(found, "per_unit")),
        "added up by the close": seconds(tallying(found)),
    }
    measured = interleaved(options.times, tries)
    base = min(measured["JSON read and nothing else"])
    for name, times in measured.items():
        best = options.events / min(times)
        aim = at_least(best, AIM) if name != "JSON read and nothing else" else ""
        print(f"  {name:<36} {best:>9,.0f} events/s of one core  {min(times) / base:5.1f}× reading  {aim}")
    return exit_code(options)


if __name__ == "__main__":
    sys.exit(main())
