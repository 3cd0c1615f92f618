"""What the console weighs, how soon it can be used on a slow processor, what home reads, how long lists behave.

Bytes are those of scripts under gzip level 9, against the design's limits. Times are Chromium's at a quarter of this
machine's speed, beside a page of one heading without any script in the same run. Reads are those in the functions' own
log lines, for a minute of an open home page, as a rate per hour. Lists are filled by the browser's own answers in the
API's place, so that only the page is measured.
"""

import json
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from playwright.sync_api import Browser, Page, Route, sync_playwright

from benchmarks.rig.figures import LEAST_TRIES, arguments, exit_code, unmeasured, verdict
from infra.web import build_stale
from tests.e2e.practice import Practice
from tests.e2e.stack import Stack
from tests.e2e.visitor import chromium
from tests.web.console import weights

THROTTLE = 4
TRIES = 5
LONG = 50
"""ms; a task that short is not felt."""
AGENTS, CONVERSATIONS = 500, 10_000
PARTS = ("sizes", "first-use", "refreshing", "lists", "fleet")
LONG_TASKS = """
window.long = [];
new PerformanceObserver((list) => long.push(...list.getEntries().map((one) => one.duration)))
  .observe({ type: "longtask", buffered: true });
"""


def sizes() -> None:
    """Print the bytes of the first load and of each further part."""
    found = weights.read()
    print("Bytes of script, gzip level 9:")
    share = found.first / weights.FIRST_LOAD
    print(
        f"  {'first load':<44} {found.first:7,}  {share:.2f}× of the limit  {verdict(found.first, weights.FIRST_LOAD)}"
    )
    for source, size in sorted(found.further.items(), key=lambda one: -one[1]):
        limit = weights.limit(source)
        print(f"  {source.removeprefix('src/'):<44} {size:7,}  {size / limit:.2f}×  {verdict(size, limit)}")


def opened(browser: Browser, address: str, init: str = "", *, throttle: int = 1, width: int = 1280) -> Page:
    """An empty page at this address; with `throttle` the processor is slower."""
    context = browser.new_context(viewport={"width": width, "height": 900}, locale="en-US")
    context.set_default_timeout(60_000)
    page = context.new_page()
    if throttle > 1:
        context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": throttle})
    page.add_init_script(LONG_TASKS + init)
    page.goto(address, wait_until="load")
    return page


def signed(practice: Practice) -> str:
    """The script that makes a browser the practice's owner."""
    return f"localStorage.setItem('agenthub.session', {practice.owner.refresh_token!r});"


def painted(page: Page) -> float:
    """Milliseconds to the first contentful paint."""
    page.wait_for_function("performance.getEntriesByName('first-contentful-paint').length")
    found: float = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    return found


def first_use(browser: Browser, stack: Stack, practice: Practice) -> None:
    """Print first paint, and how long a press on a button takes to be shown."""
    home, presses, bare = [], [], []
    for _ in range(TRIES):
        page = opened(browser, f"{stack.gateway}/#/", signed(practice), throttle=THROTTLE)
        page.get_by_role("heading", name="Home").wait_for()
        home.append(painted(page))
        page.wait_for_load_state("networkidle")
        presses.append(
            page.evaluate(
                "new Promise((shown) => { const began = performance.now();"
                "document.querySelector('.topbar .search').click();"
                "requestAnimationFrame(() => setTimeout(() => shown(performance.now() - began))); })"
            )
        )
        page.context.close()
        plain = opened(browser, "data:text/html,<title>t</title><h1>Home</h1>", throttle=THROTTLE)
        bare.append(painted(plain))
        plain.context.close()
    print(f"Milliseconds at a {THROTTLE}th of the speed, median of {TRIES}:")
    paint, press = statistics.median(home), statistics.median(presses)
    times = paint / max(statistics.median(bare), 1)
    print(f"  first contentful paint, home signed in  {paint:6.0f}, {times:.1f}× of a page without script")
    print(f"  a press that opens the search is shown  {press:6.0f}  {verdict(press, 200)}")


def refreshing(browser: Browser, stack: Stack, practice: Practice, seconds: int) -> None:
    """Print what an open home page reads in an hour, from the log lines of the functions."""
    page = opened(browser, f"{stack.gateway}/#/", signed(practice))
    page.get_by_role("heading", name="Home").wait_for()
    page.wait_for_load_state("networkidle")
    before = reads(stack.state)
    time.sleep(seconds)
    after = reads(stack.state)
    page.context.close()
    print(f"Firestore reads of an open home page, from {seconds} s without news:")
    total = 0
    for route in sorted(after):
        n = after[route] - before[route]
        if n:
            total += n
            print(f"  {route:<34} {n * 3600 / seconds:8,.0f} an hour")
    print(
        f"  together {total * 3600 / seconds:,.0f} an hour: USD {total * 3600 / seconds * 0.03 / 100_000:.4f} at 0.03 a 100,000"
    )


def reads(state: Path) -> Counter[str]:
    """Firestore reads so far by route."""
    found: Counter[str] = Counter()
    for path in (state / "logs").glob("*-api.log"):
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            if '"firestore_reads"' in line:
                entry = json.loads(line)
                found[entry["route"]] += int(entry["operations"]["firestore_reads"])
    return found


def scrolled(page: Page, steps: int = 60) -> float:
    """The longest task in ms while the page is scrolled so many steps of 1,200 pixels, by wheel."""
    page.mouse.move(180, 500)
    return longest(page, lambda: _wheel(page, steps))


def _wheel(page: Page, steps: int) -> None:
    for _ in range(steps):
        page.mouse.wheel(0, 1200)
        page.wait_for_timeout(16)


def longest(page: Page, act: Callable[[], object]) -> float:
    """The longest task in ms while this is done; 0 when none is as long as 50, which the browser does not tell."""
    page.evaluate("new Promise((idle) => requestIdleCallback(() => setTimeout(idle, 500)))")
    page.evaluate("long.length = 0")
    act()
    page.evaluate("new Promise((idle) => requestIdleCallback(() => setTimeout(idle, 100)))")
    found: float = page.evaluate("Math.max(0, ...long)")
    return found


def at_once(item: dict[str, Any], many: int) -> Callable[[Route], None]:
    """Answers a list's request with `many` copies of an item, however few were asked for."""

    def answer(route: Route) -> None:
        items = [{**item, "id": f"{item['id'][:-6]}{n:06d}"} for n in range(many)]
        route.fulfill(json={"items": items, "next_page_token": None})

    return answer


def lists(browser: Browser, stack: Stack, practice: Practice) -> None:
    """Print the longest task while long lists scroll with all their rows loaded."""
    print("The longest task in ms while a list scrolls, full speed, all rows loaded:")
    for path, many, url, rows in (
        ("/agents", AGENTS, "/api/my-agents", "main tbody"),
        ("/conversations", CONVERSATIONS, "/api/conversations", ".talk-items > *"),
        ("/activity", CONVERSATIONS, "/api/dashboard/activity", ".feed > li"),
        ("/activity?tab=audit", CONVERSATIONS, "/api/audit-log", "main tbody"),
    ):
        item = practice.owner.get(url)["items"][0]
        page = opened(browser, "about:blank", "")
        page.route(f"**{url}?*", at_once(item, many))
        page.add_init_script(signed(practice))
        page.goto(f"{stack.gateway}/#{path}")
        page.locator(rows).last.wait_for(state="attached")
        found = scrolled(page)
        print(f"  {path:<20} {many:6,} rows: {found:4.0f}  {verdict(found, LONG)}")
        page.context.close()


def fleet(browser: Browser, stack: Stack, practice: Practice) -> None:
    """Print the longest task with hundreds of agents: while a cap is typed, and while their cards scroll on a phone."""
    print(f"The longest task in ms with {AGENTS} agents, full speed:")
    item = practice.owner.get("/api/my-agents")["items"][0]
    tries: tuple[tuple[str, int, str, str, Callable[[Page], float]], ...] = (
        ("three digits of a cap", 1280, "/billing?tab=caps", ".agent-caps input", _typed),
        ("cards scroll at 360 px", 360, "/agents", ".card-item", lambda page: scrolled(page, 100)),
    )
    for words, width, path, shown, measure in tries:
        found = []
        for _ in range(LEAST_TRIES):
            page = opened(browser, "about:blank", width=width)
            page.route("**/api/my-agents?*", at_once(item, AGENTS))
            page.add_init_script(signed(practice))
            page.goto(f"{stack.gateway}/#{path}")
            page.locator(shown).nth(4).wait_for(state="attached")
            found.append(measure(page))
            elements = page.evaluate("document.getElementsByTagName('*').length")
            page.context.close()
        # Load from outside makes single tasks long; what the page itself costs, each try has.
        best = min(found)
        print(
            f"  {words:<24} {best:4.0f}  {verdict(best, LONG)}, best of {LEAST_TRIES}; {elements:,} elements at the end"
        )


def _typed(page: Page) -> float:
    field = page.locator(".agent-caps input").nth(12)
    field.focus()
    return longest(page, lambda: field.press_sequentially("125", delay=100))


def main() -> int:
    """Measure and print."""
    parser = arguments(__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="how long home is watched")
    parser.add_argument("--only", choices=PARTS, nargs="+", default=PARTS, help="what is measured of it all")
    given = parser.parse_args()
    build_stale()
    if "sizes" in given.only:
        sizes()
    if given.only == ["sizes"]:
        return exit_code(given)
    binary = chromium()
    if binary is None:
        unmeasured("No Chromium on this machine: times, reads and lists are not measured.")
        return exit_code(given)
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        stack = Stack(Path(folder), own=True).start()
        browser = playwright.chromium.launch(executable_path=binary, args=["--no-sandbox"])
        try:
            practice = Practice(stack)
            practice.turn()
            if "first-use" in given.only:
                first_use(browser, stack, practice)
            if "refreshing" in given.only:
                refreshing(browser, stack, practice, given.seconds)
            if "lists" in given.only:
                lists(browser, stack, practice)
            if "fleet" in given.only:
                fleet(browser, stack, practice)
        finally:
            browser.close()
            stack.stop()
    return exit_code(given)


if __name__ == "__main__":
    sys.exit(main())
