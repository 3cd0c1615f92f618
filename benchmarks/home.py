"""What the home page reads, and how long it takes, with few and with many agents: the figures alone take 5 reads always.

Reads are what the wire carries by document, and what the function's own log line counts, which must be the same. Each
includes the one read that says who is calling. The baseline of time is the same function's /health, which reads nothing.
"""

import statistics
import sys
import time
from http.client import HTTPConnection

from benchmarks.rig.figures import arguments, exit_code, verdict
from benchmarks.rig.processes import Function
from benchmarks.rig.shop import Shop
from benchmarks.rig.wire import Tap
from tests.functions.shared.http import callers

AIM = 5
PATHS = ("/api/dashboard/summary", "/api/dashboard", "/api/dashboard/alerts", "/api/dashboard/search?q=front")


def workspace(agents: int) -> callers.Someone:
    """An owner with so many agents, a widget for each, and a month behind him."""
    from functions.shared import clock, ids

    owner, now = callers.person("owner"), clock.now()
    home = f"workspaces/{owner.claims['workspace_id']}"
    document = {"name": "Dr. Miller", "currency": "USD", "time_zone": "UTC", "state": "active", "created_at": now}
    callers.write(home, document)
    counted = {"turns": 20, "conversations": 5, "last_micros": clock.to_micros(now)}
    names = [ids.new("agent") for _ in range(agents)]
    for name in names:
        fields = {"name": "Front desk", "published_version": ids.new("version"), "created_at": now, "updated_at": now}
        callers.write(f"{home}/agents/{name}", fields)
        callers.write(f"{home}/fleet/{name}", {"status": "active", "deleted_at": None})
        widget = {"agent_id": name, "name": "Site", "deleted_at": None, "created_at": now}
        callers.write(f"{home}/widgets/{ids.new('widget')}", widget)
    rollup = {"total": counted, "agents": dict.fromkeys(names, counted), "as_of_micros": clock.to_micros(now)}
    for period in (f"day_{now:%Y-%m-%d}", f"month_{now:%Y-%m}"):
        callers.write(f"{home}/rollups/{period}", rollup)
    callers.write(f"{home}/spend/{now:%Y-%m}", {"currency": "USD", "spent_nanos": 5 * 10**9})
    return owner


def ask(connection: HTTPConnection, path: str, headers: dict[str, str]) -> float:
    """One request; returns its milliseconds."""
    began = time.perf_counter()
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    content = answer.read()
    took = 1000 * (time.perf_counter() - began)
    if answer.status != 200:
        raise RuntimeError(f"{path} answered {answer.status}: {content[:300]!r}")
    return took


def counted(function: Function, path: str) -> int:
    """The reads in the log line of the last request of this route."""
    route = path.partition("?")[0]
    lines = [line for line in function.lines() if line.get("route") == route]
    reads: int = lines[-1]["operations"]["firestore_reads"]
    return reads


def main() -> int:
    """Measure and print."""
    parser = arguments(__doc__)
    parser.add_argument("--times", type=int, default=20)
    options = parser.parse_args()
    with Shop() as shop, Tap(shop.firestore.address) as tap:
        environment = {**shop.environment, "FIRESTORE_EMULATOR_HOST": tap.address}
        with Function("functions/dashboard/main.py", "dashboard_api", environment) as function:
            for agents in (1, 10, 100):
                headers = workspace(agents).headers()
                connection = function.connect()
                ask(connection, PATHS[0], headers)
                bare = statistics.median(ask(connection, "/health", headers) for _ in range(options.times))
                print(f"{agents} agents; /health takes {bare:.1f} ms:")
                for path in PATHS:
                    tap.take()
                    ask(connection, path, headers)
                    seen = tap.take()
                    reads = counted(function, path)
                    took = statistics.median(ask(connection, path, headers) for _ in range(options.times))
                    documents = sum(number for name, number in seen.items() if name.startswith("read "))
                    queries = sum(number for name, number in seen.items() if name.startswith("query "))
                    counts = seen["call RunAggregationQuery"]
                    aim = f", {verdict(reads, AIM)}" if path == PATHS[0] else ""
                    print(
                        f"  {path:<32} {reads:4} reads (on the wire {documents} documents, {queries} queries, "
                        f"{counts} counts), {took:6.1f} ms{aim}"
                    )
    return exit_code(options)


if __name__ == "__main__":
    sys.exit(main())
