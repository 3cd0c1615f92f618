"""A fleet of 500 agents in one call, against its bare Firestore reads; retrieval over 1,000 passages, and how well it finds.

The list is asked from the real function under functions-framework and gunicorn, over the real local Firestore. The quality
of retrieval is that of the questions in tests/functions/agents/relevance.py, with the offline embeddings.
"""

import json
import sys
import time

import numpy

from benchmarks.rig.figures import arguments, exit_code, interleaved, percentile, ratio, verdict
from benchmarks.rig.processes import Asked, Function
from benchmarks.rig.shop import Shop
from tests.functions.shared.http import callers

AGENTS = 500
PASSAGES = 1_000
LIST_AIM = 2.0
"""How many times the bare reads the whole list may take."""
SEARCH_AIM, DECODE_AIM = 1.0, 1.0
"""How many times a bare scan of as many passages a search and the decoding of its index may take."""
FLEET = ("functions/my_agents/main.py", "my_agents_api")
BARE = ("benchmarks/rig/bare/fleet.py", "fleet")


def made(owner: callers.Someone) -> None:
    """A workspace with so many agents, each with its place in the fleet and its figures."""
    from functions.shared import clock, firestore, ids

    home = f"workspaces/{owner.claims['workspace_id']}"
    now = clock.now()
    callers.write(home, {"name": "Chain", "currency": "USD", "time_zone": "UTC", "state": "active", "created_at": now})
    names = [ids.new("agent") for _ in range(AGENTS)]
    definition = {"instructions": "Be kind. " * 400, "goals": ["Answer questions."] * 20}
    for start in range(0, AGENTS, 100):
        batch = firestore.Batch()
        for number, name in enumerate(names[start : start + 100], start):
            document = {
                "name": f"Branch {number:03}",
                "industry": "dental",
                "model": "offline/offline-extractive",
                "draft": definition,
                "published": definition,
                "published_version": "ver_1",
                "published_number": 1,
                "created_at": now,
                "updated_at": now,
            }
            batch.set(f"{home}/agents/{name}", document)
            batch.set(f"{home}/fleet/{name}", {"status": "active", "tags": ["branch"], "note": "", "history": []})
        batch.commit()
    counters = {
        "turns": 40,
        "conversations": 9,
        "charge_nanos": 10**9,
        "last_micros": 1,
        "latency": {"700": 20, "1000": 20},
    }
    for kind in (f"day_{now:%Y-%m-%d}", f"month_{now:%Y-%m}"):
        callers.write(f"{home}/rollups/{kind}", {"agents": dict.fromkeys(names, counters)})


def listing(shop: Shop, times: int) -> None:
    """The whole fleet in one call."""
    print(f"GET /api/my-agents with {AGENTS} agents in one page, against its bare Firestore reads:")
    owner = callers.person("owner")
    made(owner)
    with Function(*FLEET, shop.environment) as fleet, Function(*BARE, shop.environment) as bare:
        tries = {
            "list": Asked(fleet, "/api/my-agents?page_size=500", owner.headers()),
            "search": Asked(fleet, "/api/my-agents?page_size=500&text=branch%20499&sort=-charge", owner.headers()),
            "bare": Asked(bare, f"/?workspace={owner.claims['workspace_id']}", {}),
        }
        for once in tries.values():
            once()
        found = interleaved(times, tries)
        shown = json.loads(tries["list"].content)
        lines = [line for line in fleet.lines() if line.get("route") == "/api/my-agents"]
        for name in ("list", "search"):
            best, median = ratio(found[name], found["bare"])
            print(
                f"  {name:<7} p50 {1000 * percentile(found[name], 0.5):6.1f} ms, bare "
                f"{1000 * percentile(found['bare'], 0.5):6.1f} ms: {best:.2f}× by the best, {median:.2f}× by the medians"
                f"   {verdict(best, LIST_AIM)}"
            )
        kilobytes = len(tries["list"].content) / 1024
        print(f"  {len(shown['items'])} agents in {kilobytes:.0f} KiB, operations {lines[-1]['operations']}")


def retrieval(times: int) -> None:
    """Decoding and searching an index of a thousand passages."""
    from functions.agents.chunking import Chunk
    from functions.agents.index import decode, encode
    from functions.agents.retrieval import search
    from local.model.embeddings import Embedder
    from tests.functions.agents.relevance import DENTAL

    print(f"Retrieval over {PASSAGES} passages of about 800 characters (words and vectors, offline embeddings):")
    words = " ".join(source.text + " ".join(map(" ".join, source.pairs)) for source in DENTAL).split()
    passages = [
        Chunk(f"k.{n}", "k", f"Section {n}", " ".join(f"{w}{n % 97}" for w in words[n % 40 : n % 40 + 110]), "en")
        for n in range(PASSAGES)
    ]
    embedder = Embedder()
    parts = encode(passages, embedder.embed([passage.text for passage in passages]).tolist(), "m")
    vector = embedder.embed(["How much is a ceramic crown in two sessions?"])[0].tolist()
    packed = decode(parts)

    vectors = numpy.array(embedder.embed([passage.text for passage in passages]), dtype=numpy.float32)

    def bare() -> float:
        """What no search by words and vectors can do without: each passage looked at for each word, a product, a sort."""
        began = time.perf_counter()
        words = "How much is a ceramic crown12 in two sessions?".lower().split()
        counts = [sum(word in passage.text for word in words) for passage in passages]
        numpy.argsort(vectors @ numpy.asarray(vector, dtype=numpy.float32) + numpy.asarray(counts))
        return time.perf_counter() - began

    def searched() -> float:
        began = time.perf_counter()
        search(packed, "How much is a ceramic crown12 in two sessions?", vector, 0.3)
        return time.perf_counter() - began

    def decoded() -> float:
        began = time.perf_counter()
        decode(parts)
        return time.perf_counter() - began

    found = interleaved(times, {"search": searched, "decode": decoded, "bare": bare})
    for name, aim in (("search", SEARCH_AIM), ("decode", DECODE_AIM)):
        best, median = ratio(found[name], found["bare"])
        print(
            f"  {name:<7} best {1000 * min(found[name]):6.2f} ms, bare {1000 * min(found['bare']):6.2f} ms: {best:.2f}× by "
            f"the best, {median:.2f}× by the medians   {verdict(best, aim)}"
        )
    print(f"  {len(parts)} parts, {sum(map(len, parts)) / 1024:.0f} KiB")


def quality() -> None:
    """The share of questions whose passage comes first, comes among four, and of foreign ones that find nothing."""
    from functions.agents.chunking import chunks
    from functions.agents.index import decode, encode
    from functions.agents.providers.catalogue import load
    from functions.agents.retrieval import search
    from local.model.embeddings import Embedder
    from tests.functions.agents.relevance import DENTAL, DENTAL_QUESTIONS, HOTEL, HOTEL_QUESTIONS

    print("How well it finds, by words and vectors and by words alone:")
    embedder, relevance = Embedder(), load().embedding("offline", "wordllama-256").relevance
    for name, sources, questions in (("dental", DENTAL, DENTAL_QUESTIONS), ("hotel", HOTEL, HOTEL_QUESTIONS)):
        cut = chunks(sources)
        rows = embedder.embed([f"{one.title}\n{one.text}" for one in cut]).tolist()
        for how, vectors in (("both", rows), ("words", None)):
            index = decode(encode(cut, vectors, "wordllama-256"))
            first = among = silent = known = foreign = 0
            for question, wanted in questions:
                vector = embedder.embed([question])[0].tolist() if vectors else None
                hits = [hit.chunk_id for hit in search(index, question, vector, relevance)]
                if wanted is None:
                    foreign, silent = foreign + 1, silent + (not hits)
                else:
                    known, first, among = known + 1, first + (hits[:1] == [wanted]), among + (wanted in hits)
            print(
                f"  {name:<7} {how:<6} first {first}/{known}, among four {among}/{known}, "
                f"silent on foreign questions {silent}/{foreign}"
            )


def main() -> int:
    """Measure and print."""
    parser = arguments(__doc__)
    parser.add_argument("--times", type=int, default=15)
    options = parser.parse_args()
    with Shop() as shop:
        listing(shop, options.times)
    retrieval(options.times)
    quality()
    return exit_code(options)


if __name__ == "__main__":
    sys.exit(main())
