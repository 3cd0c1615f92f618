"""`nox -s demo`: fills a workspace of the running stack with months of believable life, and says how to sign in."""

import argparse
import base64
import hashlib
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from local.identity.keys import Keyring
from local.identity.people import People
from local.life import cast, plot
from local.life.agreement import agreed
from local.life.courier import Undelivered
from local.life.owner import Exists, Owner
from local.life.past import Past
from local.life.product import Product, Refused
from local.life.story import Story, Wish
from local.process import die_with_parent
from local.scheduler import stack


def main() -> int:
    """Play it; the exit code says whether the data is there."""
    wish, state = _arguments()
    try:
        environment = stack.functions_environment(state)
    except stack.NoStack as error:
        print(error, file=sys.stderr)
        return 1
    if "BIGQUERY_EMULATOR_HOST" not in environment:
        print(
            "The demo's data goes into the local warehouse only; start the stack without USE_BIGQUERY.", file=sys.stderr
        )
        return 1
    began = time.monotonic()
    # What the data needs beyond its three cents: nobody has paid yet in the first month.
    environment["TRIAL_CAP"] = "1000"
    with (state / "logs" / "life.log").open("w", encoding="utf-8") as log:
        keyring = Keyring(state / "identity" / "keys")
        product = Product(environment, keyring, Past(wish.first), wish.seed, log)
        owner = Owner(product, cast.read(), wish.seed)
        password = base64.b32encode(hashlib.sha256(f"{wish.seed} password".encode()).digest()).decode()[:12].lower()
        people = People(state / "identity")
        try:
            owner.sign_up(people, password)
        except Exists as error:
            print(f"{error} has a workspace here already: nothing was done.")
            return 0
        finally:
            people.close()
        story = Story(
            product, owner, wish, lambda line: print(f"  {line}  {time.monotonic() - began:.0f} s", flush=True)
        )
        try:
            story.play()
            figures = agreed(product, owner, environment["BIGQUERY_EMULATOR_HOST"], environment["BIGQUERY_DATASET_ID"])
        except (Refused, Undelivered) as error:
            print(f"The demo's data broke off: {error}", file=sys.stderr)
            return 1
    _tell(story, figures.turns, figures.charge, time.monotonic() - began)
    print(f"\nOwner: {cast.read().people['owner']['email']}, password {password}")
    return 0


def _tell(story: Story, turns: int, charge: int, seconds: float) -> None:
    told = story.visits.told
    parts = ", ".join(f"{number} {what}" for what, number in sorted(told.items()))
    print(f"\n{turns} turns, charge {charge // 10**9}.{charge % 10**9:09d}, the same in every place; {seconds:.0f} s")
    print(f"  {parts}")


def _arguments() -> tuple[Wish, Path]:
    parser = argparse.ArgumentParser(prog="demo", description="Months of believable life for a local workspace.")
    parser.add_argument("--seed", default="7", help="the same seed and day give the same data")
    parser.add_argument(
        "--days",
        type=int,
        help=f"how long ago it begins, at most {plot.MOST_DAYS}; if absent {plot.DAYS}, "
        f"or so many more that {plot.MONTHS} months are closed",
    )
    parser.add_argument("--until", type=_day, help="the day on which it ends; now if absent")
    parser.add_argument("--agents", type=int, default=12, help="how many agents")
    parser.add_argument("--visits", type=int, default=250, help="about how many visitors")
    parser.add_argument("--state", type=Path, default=Path(".agenthub"), help="state of the running stack")
    parser.add_argument("--attached", action="store_true", help="end when the process that started this one ends")
    found = parser.parse_args()
    if found.attached:
        die_with_parent()
    until = found.until or datetime.now(UTC).replace(microsecond=0)
    days = plot.length(until) if found.days is None else found.days
    if not 2 <= days <= plot.MOST_DAYS:
        parser.error(f"--days is 2 to {plot.MOST_DAYS}")
    return Wish(found.seed, until, days, found.agents, found.visits), found.state


def _day(text: str) -> datetime:
    """Three o'clock UTC, when the nightly runs of the day are over."""
    return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC) + timedelta(hours=3)


if __name__ == "__main__":
    sys.exit(main())
