"""The receiver that the guide shows verifies what dashboard-webhooks really sends, and refuses everything else."""

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from functions.dashboard import repository, webhooks
from functions.dashboard.webhook_models import NewWebhook
from functions.shared import config
from local.process import free_port
from tests.cloud import Cloud, envelope
from tests.functions.dashboard.test_notifying import issued
from tests.functions.rooms import ROOT, open_room
from tests.functions.shared.http import callers

GUIDE = ROOT / "docs" / "guides" / "webhooks.md"


def test_the_guides_receiver_receives(cloud: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WEBHOOK_ALLOW_PRIVATE", "true")
    monkeypatch.setenv("WEBHOOK_SIGNING_KEY", "k" * 40)
    config.settings.cache_clear()
    (code,) = re.findall(r"```python file=receiver.py\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
    script, port, workspace = tmp_path / "receiver.py", free_port(), cloud.workspace()
    script.write_text(code, encoding="utf-8")
    url = f"http://127.0.0.1:{port}/agenthub"
    hook, _ = webhooks.create(cloud.call(workspace), NewWebhook(url=url, types=("invoice.issued",)))
    process = subprocess.Popen(
        [sys.executable, str(script), str(port)],
        stdout=subprocess.PIPE,
        text=True,
        env={"AGENTHUB_WEBHOOK_SECRET": hook.secret},
    )
    try:
        assert _forged(url) == 401
        edge = open_room("dashboard-webhooks", monkeypatch)
        first = issued(workspace)
        for event in (first, first, issued(workspace)):
            sent = envelope(event.row)
            assert (
                edge.client.post("/events/notifications", json=sent, headers=callers.invoker("push")).status_code == 204
            )
        states = [one.data["state"] for one in repository.deliveries(workspace, hook.id, 10, None)]
        assert states == ["delivered"] * 2
    finally:
        process.terminate()
        out, _ = process.communicate(timeout=10)
    assert len(out.splitlines()) == 2
    assert out.startswith("invoice.issued {'workspace_id'") and "ACME-2026-0001" in out


def _forged(url: str) -> int:
    """What the receiver answers to a request that we did not sign, once it answers at all."""
    headers = {"webhook-id": "evt_1", "webhook-timestamp": str(int(time.time())), "webhook-signature": "v1,AAAA"}
    end = time.monotonic() + 30
    while True:
        try:
            return requests.post(url, data=b"{}", headers=headers, timeout=5).status_code
        except requests.ConnectionError:
            assert time.monotonic() < end, "the receiver does not start"
            time.sleep(0.05)
