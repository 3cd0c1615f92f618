"""What a cold start costs: CPU seconds from the start of the process to its first answer, against a bare function.

Each try starts a fresh functions-framework (master and worker) and counts the CPU that both have used when the first
byte asked for has arrived: /health, an API's answer that reads Firestore, or the chat's first `delta`. Waiting for
Firestore and the model counts nothing, since they are other processes.
"""

import statistics
import sys
from collections.abc import Callable, Mapping
from functools import partial

from benchmarks.rig.figures import arguments, exit_code, interleaved, ratio, verdict
from benchmarks.rig.google import Metadata
from benchmarks.rig.processes import Function
from benchmarks.rig.shop import QUESTION, Shop, Tenant, key
from tests.standins.vertex import Plan, VertexStandIn

BARE = "benchmarks/rig/bare"
APIS = {
    "agents": "/api/agents",
    "my_agents": "/api/my-agents",
    "widgets": "/api/widgets",
    "analytics": "/api/conversations",
    "billing": "/api/billing",
    "dashboard": "/api/workspace",
}
HEALTH, API, CHAT = 1.3, 1.4, 2.2

Ask = Callable[[Function], None]


def start(source: str, target: str, environment: Mapping[str, str], ask: Ask) -> float:
    """CPU seconds of a fresh function at its first answer."""
    with Function(source, target, environment) as function:
        ask(function)
        return function.cpu


def get(path: str, headers: Mapping[str, str], function: Function) -> None:
    """Ask for a path and take the whole answer."""
    connection = function.connect()
    connection.request("GET", path, headers=dict(headers))
    answer = connection.getresponse()
    content = answer.read()
    if answer.status != 200:
        raise RuntimeError(f"{function.target} {path} answered {answer.status}: {content[:500]!r}\n{function.log()}")


def chunk(path: str, function: Function) -> None:
    """Ask a bare function for a stream and wait for its first words."""
    connection = function.connect()
    connection.request("GET", path)
    answer = connection.getresponse()
    while b"data:" not in (line := answer.readline()):
        if not line:
            raise RuntimeError(f"no words from {function.target}:\n{function.log()}")


def delta(tenant: Tenant, function: Function) -> None:
    """Ask the chat as a visitor and wait for the first `delta`."""
    connection = function.connect()
    headers = {**tenant.visitor(), "Idempotency-Key": key()}
    connection.request("POST", "/api/chat", f'{{"message": "{QUESTION}"}}', headers)
    answer = connection.getresponse()
    while b"event: delta" not in (line := answer.readline()):
        if not line:
            raise RuntimeError(f"no delta from {function.target}:\n{function.log()}")


def main() -> int:
    """Measure and print."""
    parser = arguments(__doc__)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--only", choices=("health", "api", "chat"))
    options = parser.parse_args()
    # The models fall silent after their first words, so that what comes after the first delta is not counted.
    with Shop(seconds=30) as shop, Metadata() as metadata, VertexStandIn() as vertex:
        vertex.plan = Plan(stall_after=2)
        environment = {**shop.environment, **metadata.environment, "VERTEX_URL": vertex.url}
        offline, gemini = shop.tenant(), shop.tenant(provider="vertexai", model="gemini-3.5-flash-lite")
        home = f"/?path=workspaces/{offline.workspace}"
        groups: dict[str, tuple[float, dict[str, Callable[[], float]]]] = {
            "health": (
                HEALTH,
                {
                    "bare: hello world": partial(
                        start, f"{BARE}/hello.py", "hello", environment, partial(get, "/", {})
                    ),
                    "bare: hello by a pydantic model": partial(
                        start, f"{BARE}/validates.py", "validates", environment, partial(get, "/", {})
                    ),
                    "my_agents: /health": _product("my_agents", environment, partial(get, "/health", {})),
                    "agents-chat: /health": _product("agents", environment, partial(get, "/health", {}), "agents_chat"),
                },
            ),
            "api": (
                API,
                {
                    "bare: one Firestore read": partial(
                        start, f"{BARE}/reads.py", "reads", environment, partial(get, home, {})
                    ),
                    **{
                        f"{folder}: {path}": _product(folder, environment, partial(get, path, offline.owner.headers()))
                        for folder, path in APIS.items()
                    },
                },
            ),
            "chat": (
                CHAT,
                {
                    "bare: a chunk by google-genai": partial(
                        start, f"{BARE}/asks_vertex.py", "asks_vertex", environment, partial(chunk, "/")
                    ),
                    "agents-chat, provider vertexai": _product(
                        "agents", environment, partial(delta, gemini), "agents_chat"
                    ),
                },
            ),
            "chat over HTTP": (
                CHAT,
                {
                    "bare: a read, a chunk by requests": partial(
                        start, f"{BARE}/asks_openai.py", "asks_openai", environment, partial(chunk, home)
                    ),
                    "bare: a chunk by requests": partial(
                        start, f"{BARE}/asks_openai.py", "asks_openai", environment, partial(chunk, "/")
                    ),
                    "agents-chat, provider openai": _product(
                        "agents", environment, partial(delta, offline), "agents_chat"
                    ),
                },
            ),
        }
        print(
            f"Cold start: CPU s at the first answer, best and median of {options.times}; ratio of bests and of medians"
        )
        for name, (aim, tries) in groups.items():
            if options.only and not name.startswith(options.only):
                continue
            found = interleaved(options.times, tries)
            baseline, *others = found
            print(_line(baseline, found[baseline]))
            for other in others:
                best, median = ratio(found[other], found[baseline])
                print(f"{_line(other, found[other])}  {best:.2f}× {median:.2f}×  {verdict(median, aim)}")
    return exit_code(options)


def _product(folder: str, environment: Mapping[str, str], ask: Ask, target: str | None = None) -> Callable[[], float]:
    return partial(start, f"functions/{folder}/main.py", target or f"{folder}_api", environment, ask)


def _line(name: str, seconds: list[float]) -> str:
    return f"  {name:<36} {min(seconds):6.3f} {statistics.median(seconds):6.3f}"


if __name__ == "__main__":
    sys.exit(main())
