"""The setting decides whether writes wait for the disk; without it they do."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from local.firestore.indexes import Indexes
from local.firestore.store import Store
from tests.engines import ROOT

ASKED = "from local import durability as d; print(d.SYNCHRONOUS, d.TO_DISK)"


@pytest.mark.parametrize(("setting", "said"), [(None, "FULL True"), ("on", "FULL True"), ("off", "OFF False")])
def test_writes_wait_for_the_disk_unless_it_is_spared(setting: str | None, said: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "AGENTHUB_FSYNC"}
    if setting is not None:
        environment["AGENTHUB_FSYNC"] = setting
    command = [sys.executable, "-c", ASKED]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == said


def test_the_tests_spare_the_disk_in_a_store_too(tmp_path: Path) -> None:
    store = Store(tmp_path / "store.sqlite3", Indexes({"collections": {}, "indexes": []}))
    assert store._connection.execute("PRAGMA synchronous").fetchone() == (0,)
    store.close()
