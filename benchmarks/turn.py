"""What a turn takes with an instant model: its time, its operations down the whole chain, and how many a second.

Real functions under functions-framework and gunicorn, real local Firestore and Pub/Sub. The baseline is a bare function
that does the same Firestore round trips with the plain client: one `get_all` of 6 and commits of 2, 4 and 1.
"""

import base64
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import ExitStack

from benchmarks.rig.figures import arguments, exactly, exit_code, percentile, verdict
from benchmarks.rig.processes import Function
from benchmarks.rig.shop import Shop, Tenant
from benchmarks.rig.visitors import Said, Visitor, at_once
from benchmarks.rig.wire import Tap
from tests.functions.shared.http import callers

CONSUMERS = (("analytics", "analytics_usage"), ("billing", "billing_usage"))
AIM = Counter({"firestore_reads": 6, "firestore_writes": 7, "pubsub_publishes": 1})
CONSUMER_WRITES = 4
TRIPS = ("benchmarks/rig/bare/trips.py", "trips")
CHAT = ("functions/agents/main.py", "agents_chat")


def trip(function: Function, tenant: Tenant, number: int) -> Callable[[], Said]:
    """The baseline as a visitor would call it."""
    connection = function.connect()
    where = f"/?workspace={tenant.workspace}&agent={tenant.agent}&widget={tenant.widget}&conversation={number}"
    used = time.monotonic()

    def ask() -> Said:
        nonlocal connection, used
        if time.monotonic() - used > 1:
            connection = function.connect()
        began = time.perf_counter()
        connection.request("GET", where)
        answer = connection.getresponse()
        answer.read()
        used = time.monotonic()
        if answer.status != 200:
            raise RuntimeError(function.log()[-3000:])
        return Said(answer.status, 0.0, time.perf_counter() - began)

    return ask


def operations(shop: Shop) -> None:
    """Count and name everything that one turn causes, on the wire; the functions' own counts must say the same."""
    print("Operations of one turn and what it causes, counted on the wire (retrieval apart):")
    tenant = shop.tenant()
    with ExitStack() as stack:
        taps = [stack.enter_context(Tap(shop.firestore.address)), stack.enter_context(Tap(shop.pubsub.address))]
        where = {"FIRESTORE_EMULATOR_HOST": taps[0].address, "PUBSUB_EMULATOR_HOST": taps[1].address}
        environment = {**shop.environment, **where}
        chat = stack.enter_context(Function(*CHAT, environment))
        visitor = Visitor(chat, tenant)
        visitor.ask()  # the month's first turn also reads the terms of its account
        for tap in taps:
            tap.take()
        assert visitor.ask().status == 200
        seen = taps[0].take() + taps[1].take()
        stated = Counter(list(_counts(chat))[-1])
        told = exactly(_sums(seen), "6 reads, 7 writes, 1 publish")
        print(f"  turn         {_sums(seen)}   {told}   log says the same: {exactly(stated == AIM, True)}")
        print(f"               {_names(seen)}")
        row = _event(tenant)
        for folder, target in CONSUMERS:
            consumer = stack.enter_context(Function(f"functions/{folder}/main.py", target, environment))
            for again in (False, True):
                taps[0].take()
                _push(consumer, row)
                seen = taps[0].take()
                named = f"{target} again" if again else target
                writes = sum(number for name, number in seen.items() if name.startswith("write "))
                print(f"  {named:<22} {_sums(seen)}   {verdict(writes, CONSUMER_WRITES)} writes")
                print(f"               {_names(seen)}")


def _counts(function: Function) -> Iterable[dict[str, int]]:
    for line in function.lines():
        if line.get("route") == "/api/chat":
            yield line["operations"]


def _sums(seen: Counter[str]) -> str:
    kinds = Counter[str]()
    for name, number in seen.items():
        kind = name.split()[0]
        kinds[{"query": "read"}.get(kind, kind)] += number
    return f"{kinds['read']} reads, {kinds['write']} writes, {kinds['publish']} publish"


def _names(seen: Counter[str]) -> str:
    return ", ".join(
        f"{name} ×{number}" if number > 1 else name for name, number in seen.items() if not name.startswith("call ")
    )


def _event(tenant: Tenant) -> dict[str, object]:
    from functions.shared import firestore

    found = firestore.find(firestore.Query(tenant.path("events")))
    return dict(max((one.data["row"] for one in found), key=lambda row: row["occurred_at"]))


def _push(function: Function, row: dict[str, object]) -> None:
    message = {
        "data": base64.b64encode(json.dumps(row).encode()).decode(),
        "attributes": {"event_id": row["event_id"], "workspace_id": row["workspace_id"]},
        "messageId": "1",
    }
    connection = function.connect()
    headers = {**callers.invoker("push"), "Content-Type": "application/json"}
    connection.request("POST", "/events/usage-recorded", json.dumps({"message": message}), headers)
    answer = connection.getresponse()
    content = answer.read()
    if answer.status >= 300:
        raise RuntimeError(f"{function.target} answered {answer.status}: {content!r}")


def latency(shop: Shop, chat: Function, trips: Function, turns: int) -> None:
    """p50 and p99 at 1 and 8 at once, each in a workspace of its own, in turns with the baseline."""
    print("Time of a turn, from the request to the end of its stream, against its bare Firestore round trips:")
    tenants = [shop.tenant() for _ in range(8)]
    for number in (1, 8):
        asking = [Visitor(chat, tenant).ask for tenant in tenants[:number]]
        bare = [trip(trips, tenant, index) for index, tenant in enumerate(tenants[:number])]
        for once in (*asking, *bare):
            once()
        said: list[Said] = []
        base: list[Said] = []
        while len(said) < turns:
            said += at_once(asking, 0.6)[0]
            base += at_once(bare, 0.6)[0]
        failed = Counter(one.code for one in said if one.status != 200)
        times = [one.seconds for one in said if one.status == 200]
        trip_times = [one.seconds for one in base]
        shown = "  ".join(
            f"p{share * 100:.0f} {1000 * percentile(times, share):6.1f} ms, bare "
            f"{1000 * percentile(trip_times, share):6.1f} ms, {percentile(times, share) / percentile(trip_times, share):.2f}×"
            for share in (0.5, 0.99)
        )
        first = 1000 * percentile([one.first_seconds for one in said if one.status == 200], 0.5)
        print(
            f"  {number} at once  {shown}  first delta p50 {first:.1f} ms  ({len(times)} turns, refused: {dict(failed)})"
        )


def throughput(shop: Shop, chat: Function, trips: Function, seconds: float) -> None:
    """Turns a second of one workspace, and whether what it has spent is the sum of its events to the last nano."""
    print("Turns a second of one workspace, with one spend document, against the bare round trips on one document:")
    for number in (1, 8, 64):
        tenant = shop.tenant(cap_nanos=1000 * 10**9)
        visitors = [Visitor(chat, tenant) for _ in range(number)]
        visitors[0].ask()
        before = len(list(_counts(chat)))
        said, took = at_once([visitor.ask for visitor in visitors], seconds)
        tried = sum((Counter(one) for one in list(_counts(chat))[before:]), Counter[str]())
        base, base_took = at_once([trip(trips, tenant, index) for index in range(number)], seconds)
        done = sum(one.status == 200 for one in said)
        failed = Counter(one.code for one in said if one.status != 200)
        print(
            f"  {number:>2} at once  {done / took:6.1f} turns/s, bare {len(base) / base_took:6.1f}/s, "
            f"{len(base) / base_took / (done / took):.2f}×  p99 "
            f"{1000 * percentile([one.seconds for one in said if one.status == 200] or [0], 0.99):.0f} ms  "
            f"refused: {dict(failed)}  a turn's reads {tried['firestore_reads'] / len(said):.1f}, writes tried "
            f"{tried['firestore_writes'] / len(said):.1f}\n             {_exact(tenant, done + 1)}"
        )


def capped(shop: Shop, chat: Function, seconds: float) -> None:
    """64 at once against a cap: nobody passes it, and what is spent is the sum of the events."""
    tenant = shop.tenant(cap_nanos=300_000_000)
    said, _ = at_once([Visitor(chat, tenant).ask for _ in range(64)], seconds)
    done = sum(one.status == 200 for one in said)
    failed = Counter(f"{one.status} {one.code}" for one in said if one.status != 200)
    print(f"  64 at once under a cap of USD 0.30: {done} turns, refused: {dict(failed)}  {_exact(tenant, done)}")


def _exact(tenant: Tenant, turns: int) -> str:
    """Whether spend and events agree, no hold is left, and the cap holds."""
    from functions.shared import clock, firestore

    spend = firestore.get(tenant.path("spend", clock.month_of(clock.now()))).data
    rows = [
        one.data["row"]
        for one in firestore.find(firestore.Query(tenant.path("events")))
        if one.data.get("topic") == "usage-recorded"
    ]
    charged = sum(row["charge_nanos"] for row in rows)
    good = spend["spent_nanos"] == charged <= spend["cap_nanos"] and len(rows) == turns and not spend["holds"]
    return f"spent {spend['spent_nanos']} = Σ of {len(rows)} events {charged}, exact: {exactly(good, True)}"


def main() -> int:
    """Measure and print."""
    parser = arguments(__doc__)
    parser.add_argument("--turns", type=int, default=100, help="turns for each percentile")
    parser.add_argument("--seconds", type=float, default=3.0, help="of each throughput")
    options = parser.parse_args()
    with Shop() as shop:
        operations(shop)
        with (
            Function(*CHAT, shop.environment, threads=64) as chat,
            Function(*TRIPS, shop.environment, threads=64) as trips,
        ):
            latency(shop, chat, trips, options.turns)
            throughput(shop, chat, trips, options.seconds)
            capped(shop, chat, options.seconds)
    return exit_code(options)


if __name__ == "__main__":
    sys.exit(main())
