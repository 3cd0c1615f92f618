"""How long the demo's data takes, whole, and whether it holds what is promised of it: `nox -s demo` on engines of its own.

The functions run in the demo's own process, the engines beside it, as under `nox -s serve`. The baseline is what part of
that time the process and the engines used the processor: on a machine that others use, the rest was waiting for them.
"""

import re
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from benchmarks.rig.figures import arguments, at_least, exactly, exit_code, verdict
from benchmarks.rig.processes import cpu_seconds, tree
from tests import engines
from tests.local.life.playing import Life, of_kind

AIM_SECONDS = 120
AGENTS, INDUSTRIES, MONTHS = 12, 8, 3


def played(options: list[str]) -> None:
    """Play it and print what it took and what there is."""
    with tempfile.TemporaryDirectory() as folder:
        model = engines.start("model", Path(folder) / "model", "--pace", "0")
        life = Life(Path(folder) / "life", model)
        try:
            running = [one.process.pid for one in (*life.running, model) if one.process is not None]
            before = cpu_seconds([pid for one in running for pid in tree(one)])
            began, own = time.monotonic(), _children()
            said = life.play(*options)
            took, used = time.monotonic() - began, _children() - own
            beside = cpu_seconds([pid for one in running for pid in tree(one)]) - before
            documents = life.documents()
            log = (life.state / "logs" / "life.log").read_text(encoding="utf-8")
        finally:
            life.stop()
            model.kill()
    print("\n".join(f"  {line}" for line in said.splitlines() if re.match(r"\d+ turns|  \d+ ", line)))
    print(
        f"  {took:.0f} s, of them {used:.0f} s of CPU in the demo's process and {beside:.0f} s in the engines: "
        f"{took / max(used, beside):.2f}× the busier side   {verdict(took, AIM_SECONDS)}"
    )
    agents = of_kind(documents, "agents").values()
    made, industries = sum("published_version" in one for one in agents), {one["industry"] for one in agents}
    print(f"  {made} published agents, {exactly(made, AGENTS)}; {len(industries)} industries,", end=" ")
    print(exactly(len(industries), INDUSTRIES))
    invoices = {one["invoice_id"]: one for one in of_kind(documents, "invoices").values() if one.get("number")}
    payments = [one for one in of_kind(documents, "payments").values() if one["invoice_id"] in invoices]
    late = sum(one["received_at"] > invoices[one["invoice_id"]]["due_at"] for one in payments)
    states = Counter(one["state"] for one in invoices.values())
    print(
        f"  {len(invoices)} invoices {dict(states)}, {exactly(len(invoices), MONTHS)}; {late} paid late, {exactly(late, 1)}"
    )
    notes, refused = len(of_kind(documents, "credit_notes")), log.count('"code": "cap_reached"')
    print(f"  {notes} credit notes, {exactly(notes, 1)}; {refused} refusals by the cap, {at_least(refused, 1)}")


def _children() -> float:
    """CPU seconds of the processes that have ended below this one."""
    import resource

    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> int:
    """Measure and print."""
    parser = arguments(__doc__)
    parser.add_argument("--seed", default="7")
    parser.add_argument("--days", type=int, help="fewer than the demo has, to see that it works; aims are then missed")
    parser.add_argument("--visits", type=int, default=250)
    options = parser.parse_args()
    wished = ["--seed", options.seed, "--visits", str(options.visits)]
    if options.days is not None:
        wished += ["--days", str(options.days)]
    played(wished)
    return exit_code(options)


if __name__ == "__main__":
    sys.exit(main())
