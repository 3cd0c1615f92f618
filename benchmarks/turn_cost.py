"""What a turn costs its instance, CPU seconds and memory: they set the concurrency in the catalogue.

THREADS = 0.6 × seconds of a turn ÷ CPU seconds of a turn: at that many open turns the CPU is busy to 60 %. The baseline
is the CPU that the turn's Firestore round trips take by the plain client.
"""

import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import yaml

from benchmarks.rig.figures import arguments, exit_code
from benchmarks.rig.processes import ROOT, Function
from benchmarks.rig.shop import Shop, Tenant
from benchmarks.rig.visitors import Said, Visitor, at_once
from benchmarks.turn import CHAT, TRIPS, trip

SHARE = 0.6
OPEN = 48


def cost(function: Function, asking: list[Callable[[], Said]], seconds: float) -> tuple[float, int]:
    """CPU seconds of the function while these ask, and how many answers it gave."""
    before = function.cpu
    said, _ = at_once(asking, seconds)
    failed = [one for one in said if one.status != 200]
    if failed:
        raise RuntimeError(f"{len(failed)} turns failed: {failed[0].code}\n{function.log()[-2000:]}")
    return function.cpu - before, len(said)


def rounds(shop: Shop, name: str, environment: dict[str, str], tenants: list[Tenant], times: int) -> float:
    """CPU seconds of a turn and of its round trips, taking turns; prints both and returns the turn's."""
    with (
        Function(*CHAT, environment, threads=16) as chat,
        Function(*TRIPS, environment, threads=16) as trips,
    ):
        asking = [Visitor(chat, tenant).ask for tenant in tenants]
        bare = [trip(trips, tenant, number) for number, tenant in enumerate(tenants)]
        for once in (*asking, *bare):
            once()
        begun = chat.memory
        turn_cpu = base_cpu = 0.0
        turns = base = 0
        for _ in range(times):
            used, number = cost(chat, asking, 1.5)
            turn_cpu, turns = turn_cpu + used, turns + number
            used, number = cost(trips, bare, 1.5)
            base_cpu, base = base_cpu + used, base + number
        mean, bare_mean = turn_cpu / turns, base_cpu / base
        print(
            f"  {name:<26} {1000 * mean:5.1f} ms CPU a turn, bare round trips {1000 * bare_mean:5.1f} ms, "
            f"{mean / bare_mean:.2f}×  memory {begun:.0f} MiB after the first turns, {chat.memory:.0f} MiB after {turns}"
        )
        return mean


def held(shop: Shop, tenant: Tenant) -> None:
    """Memory that open turns take: many visitors whose model is silent in mid-answer."""
    environment = {**shop.environment, **shop.model(4.0)}
    with Function(*CHAT, environment, threads=64) as chat:
        Visitor(chat, tenant).ask()
        before = chat.memory
        visitors = [threading.Thread(target=Visitor(chat, tenant).ask) for _ in range(OPEN)]
        for one in visitors:
            one.start()
        most, end = before, time.monotonic() + 6
        while time.monotonic() < end and any(one.is_alive() for one in visitors):
            most = max(most, chat.memory)
            time.sleep(0.2)
        for one in visitors:
            one.join()
        print(f"  {OPEN} open turns take {most - before:.0f} MiB more: {1024 * (most - before) / OPEN:.0f} KiB a turn")


def main() -> int:
    """Measure and print."""
    parser = arguments(__doc__)
    parser.add_argument("--times", type=int, default=4)
    options = parser.parse_args()
    with Shop() as shop:
        print("CPU and memory of a turn in the chat's function (master and worker), 4 at once, 4 workspaces:")
        plain = rounds(shop, "without knowledge", shop.environment, [shop.tenant() for _ in range(4)], options.times)
        taught = [shop.tenant() for _ in range(4)]
        environment = dict(shop.environment)
        for tenant in taught:
            environment = shop.teach(tenant)
        known = rounds(shop, "with knowledge, retrieved", environment, taught, options.times)
        held(shop, shop.tenant())
        catalogue = yaml.safe_load(Path(ROOT / "infra" / "catalogue.yaml").read_text(encoding="utf-8"))
        stated = catalogue["deployments"]["agents-chat"]
        print(f"  THREADS = {SHARE} × seconds ÷ CPU seconds (catalogue: {stated['concurrency']}, {stated['memory']}):")
        for seconds in (1, 2, 4):
            print(f"    turns of {seconds} s: {SHARE * seconds / max(plain, known):.0f}")
    return exit_code(options)


if __name__ == "__main__":
    sys.exit(main())
