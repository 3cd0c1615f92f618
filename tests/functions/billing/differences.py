"""A figure that is one nano more than it should be, and what a comparison of figures says of those that differ."""

import json
from typing import Any

import pytest

from functions.shared import firestore


def alarms(capsys: pytest.CaptureFixture[str]) -> list[dict]:
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    return [line for line in lines if line.get("alarm")]


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """What alarms say that still differs, by name."""
    return {alarm["of"]: alarm["differing"] for alarm in alarms(capsys) if alarm["message"] == "figures still differ"}


def plus_one(path: str, *field: str) -> None:
    """One nano more where nobody may write."""
    batch = firestore.Batch()
    batch.update(path, {field: firestore.Increment(1)})
    batch.commit()
