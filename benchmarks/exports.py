"""What an export of 1,000,000 usage events takes in memory beside one of 100,000: the job's peak, in the same process shape.

Each export is written by a process of its own, as Cloud Run would run it, against the local warehouse and file store; its peak
is what the kernel says of that process. Bounded memory means that the ratio of both peaks stays near 1, whatever the format.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.rig.figures import arguments, exit_code, verdict
from tests import engines

ROOT = Path(__file__).parent.parent
PROJECT, DATASET = "agenthub-local", "agenthub_local"
WORKSPACE = "ws_" + "0" * 26
AIM = 1.25
ROWS = f"""
INSERT INTO "{DATASET}"."usage_events" BY NAME
SELECT
  sha256(i::VARCHAR) AS event_id, 'turn' AS type, '{WORKSPACE}' AS workspace_id, 'agt_' || (i % 20) AS agent_id,
  'ver_1' AS version_id, 'cnv_' || (i // 5) AS conversation_id, 'widget' AS channel, 'wgt_1' AS widget_id,
  'dental' AS industry, 'offline' AS provider, 'offline-extractive' AS model,
  TIMESTAMPTZ '2026-10-01 00:00:00+00' + to_milliseconds(i * 2000) AS occurred_at,
  TIMESTAMPTZ '2026-10-01 00:00:01+00' + to_milliseconds(i * 2000) AS recorded_at,
  'completed' AS outcome, false AS estimated, 100 + i % 900 AS input_tokens, 0 AS cached_input_tokens,
  20 + i % 80 AS output_tokens, 0 AS reasoning_tokens, '2026-10' AS price_version, '1' AS plan_version,
  'USD' AS currency, 900000 AS cost_nanos, 1200000 AS charge_nanos, 350 + i % 400 AS latency_ms, 80 AS first_token_ms,
  i % 5 = 0 AS new_conversation, false AS new_visitor, false AS handed_off, md5(i::VARCHAR) AS trace_id,
  sha256('digest' || i) AS digest
FROM range({{number}}) AS rows(i)
"""


def fill(folder: Path, number: int) -> None:
    """Put so many turns into the warehouse's own file, before it is started."""
    from local.bigquery.catalogue import read
    from local.bigquery.warehouse import Warehouse

    folder.mkdir(parents=True)
    warehouse = Warehouse(folder, DATASET, read(ROOT / "infra" / "catalogue.yaml"))
    warehouse._writer.execute(ROWS.format(number=number))
    warehouse.close()


def export(format_: str) -> dict[str, Any]:
    """Ask for an export and write it, in this process; what it was, with the peak of memory in MiB."""
    import resource

    from google.auth.credentials import AnonymousCredentials
    from google.cloud import bigquery as native

    from functions.shared import bigquery, clock, contracts, firestore
    from functions.shared.identity.workspace import from_directory
    from tests.cloud import Cloud
    from tests.functions.analytics import exported

    client = native.Client(
        PROJECT, AnonymousCredentials(), client_options={"api_endpoint": os.environ["BIGQUERY_EMULATOR_HOST"]}
    )
    bigquery.client = lambda: client  # type: ignore[assignment]
    workspace = from_directory(WORKSPACE)
    batch = firestore.Batch()
    made = {"name": "Bench", "created_at": clock.from_text("2026-10-01T00:00:00Z")}
    batch.set(contracts.workspace_path(workspace), made)
    batch.commit()
    cloud = Cloud.__new__(Cloud)
    name = exported.request(cloud.call(workspace), "usage_events", format=format_)
    began = time.perf_counter()
    while exported.stored(workspace, name).state in ("queued", "running"):
        exported.deliver(cloud, workspace, name)
    took = time.perf_counter() - began
    found = exported.stored(workspace, name)
    assert found.state == "done", (found.state, found.error)
    used = resource.getrusage(resource.RUSAGE_SELF)
    measures = {"seconds": took, "cpu": used.ru_utime + used.ru_stime, "peak": used.ru_maxrss / 1024}
    return {"rows": found.rows, "bytes": found.bytes, "runs": found.runs, **measures}


def measured(folder: Path, number: int, formats: list[str]) -> dict[str, dict[str, Any]]:
    """An export of so many rows in each format, each in a process of its own."""
    fill(folder / "bigquery", number)
    running = {
        "FIRESTORE_EMULATOR_HOST": engines.start("firestore", folder / "firestore"),
        "PUBSUB_EMULATOR_HOST": engines.start("pubsub", folder / "pubsub"),
        "STORAGE_EMULATOR_HOST": engines.start("storage", folder / "storage"),
        "BIGQUERY_EMULATOR_HOST": engines.start("bigquery", folder / "bigquery", "--project", PROJECT),
    }
    try:
        http = ("STORAGE_EMULATOR_HOST", "BIGQUERY_EMULATOR_HOST")
        environment = {
            **os.environ,
            **{name: f"http://{one.address}" if name in http else one.address for name, one in running.items()},
            "ENVIRONMENT": "local",
            "GOOGLE_CLOUD_PROJECT_ID": PROJECT,
            "EXPORTS_BUCKET": "exports",
        }
        prepare = "from tests.cloud import Cloud; from functions.shared import events; "
        prepare += f"events.publisher().create_topic(name='projects/{PROJECT}/topics/export-requested')"
        subprocess.run([sys.executable, "-c", prepare], check=True, cwd=ROOT, env=environment)
        found = {}
        for format_ in formats:
            command = [sys.executable, "-m", "benchmarks.exports", "--write", format_]
            done = subprocess.run(command, check=True, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
            found[format_] = json.loads(done.stdout.splitlines()[-1])
        return found
    finally:
        for one in running.values():
            one.kill()


def main() -> int:
    """Measure and print."""
    parser = arguments(__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--formats", nargs="*", default=["jsonl", "csv", "parquet"])
    parser.add_argument("--write", metavar="FORMAT", help="write one export in this process; for this program itself")
    options = parser.parse_args()
    if options.write:
        print(json.dumps(export(options.write)))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        small = measured(Path(folder) / "small", 100_000, options.formats)
        large = measured(Path(folder) / "large", options.rows, options.formats)
    for format_ in options.formats:
        few, many = small[format_], large[format_]
        ratio = many["peak"] / few["peak"]
        print(
            f"{format_:<8} {many['rows']:>9} rows, {many['bytes'] / 2**20:7.1f} MiB in {many['seconds']:6.1f} s, "
            f"{many['cpu']:.0f} s of them CPU, and {many['runs']} runs: peak {many['peak']:5.0f} MiB, {ratio:4.2f} of "
            f"that of {few['rows']} rows ({few['peak']:.0f} MiB), {verdict(ratio, AIM)}"
        )
    return exit_code(options)


if __name__ == "__main__":
    sys.exit(main())
