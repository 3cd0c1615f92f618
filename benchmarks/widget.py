"""What the chat costs a customer's page: the bytes that it loads, and how long it keeps a slow phone's processor busy.

Bytes are gzip level 9, against the limit and against the same sources without minifying. The time is that of Chromium's
main thread at a quarter of this machine's speed, for the page with the chat against the page without it, in turns:
what its scripts ran, and the blocking time (what tasks took beyond 50 ms each), until the launcher is there, and then
while it opens.
"""

import gzip
import json
import statistics
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from benchmarks.rig.figures import arguments, exit_code, unmeasured, verdict
from benchmarks.rig.processes import ROOT
from infra.web import build_stale, find_node

LIMIT = 12_000
LOADER_LIMIT = 2_000
BLOCKING_AIM = 0
"""ms beyond the tasks of 50 ms that nobody feels."""
THROTTLE = 4
TRIES = 7
WEB = ROOT / "web" / "widget"
BUNDLE = """
import { build } from "esbuild";
for (const entry of ["loader.ts", "widget.ts"]) {
  const made = await build({
    entryPoints: [`src/${entry}`], bundle: true, write: false, format: "iife", target: ["es2022"], charset: "utf8",
    loader: { ".css": "text" },
    define: { FILE: '"widget.js"', INTEGRITY: '"sha384-0"', LANGUAGES: '"en"', WORDS: '"0"' },
  });
  process.stdout.write(made.outputFiles[0].contents);
}
"""
LONG_TASKS = """
window.long = [];
new PerformanceObserver((list) => long.push(...list.getEntries().map((one) => one.duration)))
  .observe({ type: "longtask", buffered: true });
"""


@dataclass(frozen=True)
class Busy:
    """Milliseconds of the main thread."""

    scripts: float
    blocking: float


def sizes() -> None:
    """Measure and print the bytes."""
    built = ROOT / "dist" / "widget"
    manifest = json.loads((built / "manifest.json").read_text(encoding="utf-8"))

    def packed(name: str) -> tuple[int, int]:
        content = (built / manifest[name]["path"]).read_bytes()
        return len(gzip.compress(content, 9, mtime=0)), len(content)

    total = 0
    print("Bytes that a page loads, gzip level 9:")
    for name in ("loader", "widget"):
        small, whole = packed(name)
        total += small
        print(f"  {name:<9} {small:6,} of {whole:6,} bytes")
    words = {name.removeprefix("texts-"): packed(name)[0] for name in manifest if name.startswith("texts-")}
    print(
        f"  words     {words['en']:6,} in English, {max(words.values()):,} at most in {len(words)} languages; one is loaded"
    )
    node = find_node()
    bundled = subprocess.run(
        [*node.node, "--input-type=module", "-e", BUNDLE], cwd=WEB, capture_output=True, check=True
    ).stdout
    bare = len(gzip.compress(bundled, 9, mtime=0))
    print(f"  scripts   {total:6,}  {total / LIMIT:.2f}× of the limit  {verdict(total, LIMIT)}")
    print(f"  loader alone  {verdict(packed('loader')[0], LOADER_LIMIT)}")
    print(f"  not minified {bare:,}: {total / bare:.2f}×")


def busy(browser: Any, address: str, *, opens: bool) -> tuple[Busy, Busy]:
    """One visit: until the page is there, and while the chat opens (nothing, where there is none)."""
    context = browser.new_context(viewport={"width": 390, "height": 800}, locale="en-US")
    page = context.new_page()
    devtools = context.new_cdp_session(page)
    devtools.send("Emulation.setCPUThrottlingRate", {"rate": THROTTLE})
    devtools.send("Performance.enable")
    page.add_init_script(LONG_TASKS)

    def reading() -> Busy:
        found = {one["name"]: one["value"] for one in devtools.send("Performance.getMetrics")["metrics"]}
        return Busy(found["ScriptDuration"] * 1000, sum(max(0, one - 50) for one in page.evaluate("long")))

    page.goto(address, wait_until="load")
    if opens:
        page.locator("agenthub-chat .launcher").wait_for()
    # Long tasks are told when the thread is idle again.
    page.evaluate("new Promise((idle) => requestIdleCallback(() => setTimeout(idle, 100)))")
    loaded = reading()
    if opens:
        page.evaluate("AgentHub.open()")
        page.evaluate("new Promise((idle) => requestIdleCallback(() => setTimeout(idle, 100)))")
    after = reading()
    context.close()
    return loaded, Busy(after.scripts - loaded.scripts, after.blocking - loaded.blocking)


def times() -> None:
    """Measure and print the time of the main thread; says so where there is no browser."""
    from playwright.sync_api import sync_playwright

    from local import demo
    from tests.e2e.visitor import chromium
    from tests.web import standin

    path = chromium()
    if path is None:
        unmeasured("No Chromium on this machine: the time is not measured.")
        return
    visits: list[tuple[Busy, Busy, Busy]] = []
    with standin.platform() as platform, standin.site(platform) as with_chat:
        without = demo.server("localhost", 0, "")
        with standin.serving(without) as bare, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
            for _ in range(TRIES):
                loaded, opened = busy(browser, with_chat, opens=True)
                baseline, _ = busy(browser, bare, opens=False)
                visits.append((loaded, opened, baseline))
            with suppress(Exception):
                browser.close()
    print(f"Milliseconds of the main thread at a {THROTTLE}th of the speed, median of {TRIES} visits:")
    for name, at in (("page with the chat", 0), ("opening the chat", 1), ("page without it", 2)):
        scripts = statistics.median(visit[at].scripts for visit in visits)
        blocking = statistics.median(visit[at].blocking for visit in visits)
        print(f"  {name:<19} scripts {scripts:5.1f}, blocking {blocking:5.1f}")
    own = statistics.median(loaded.blocking - bare.blocking for loaded, _, bare in visits)
    print(f"  blocked by the chat {own:.1f}  {verdict(own, BLOCKING_AIM)}")


def main() -> int:
    """Measure and print."""
    options = arguments(__doc__).parse_args()
    build_stale()
    sizes()
    times()
    return exit_code(options)


if __name__ == "__main__":
    sys.exit(main())
