"""The installation's keys of this machine are made once and readable by their owner alone."""

import base64
import datetime
import os
import stat
from pathlib import Path

from local.supervisor.keys import evidence_key, installation_key


def test_a_state_keeps_its_key_and_another_has_its_own(tmp_path: Path) -> None:
    first = installation_key(tmp_path / "one")
    assert len(base64.b64decode(first, validate=True)) == 32
    assert installation_key(tmp_path / "one") == first
    assert installation_key(tmp_path / "two") != first
    if os.name == "posix":
        mode = (tmp_path / "one" / "installation.key").stat().st_mode
        assert stat.S_IMODE(mode) == 0o600


def test_the_key_of_evidence_says_since_when_it_signs(tmp_path: Path) -> None:
    first = evidence_key(tmp_path)
    encoded, _, since = first.partition("@")
    assert len(base64.b64decode(encoded, validate=True)) == 32
    assert datetime.date.fromisoformat(since) <= datetime.datetime.now(datetime.UTC).date()
    assert evidence_key(tmp_path) == first
