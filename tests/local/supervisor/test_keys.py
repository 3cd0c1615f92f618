"""The installation's key of this machine is made once and readable by its owner alone."""

import base64
import os
import stat
from pathlib import Path

from local.supervisor.keys import installation_key


def test_a_state_keeps_its_key_and_another_has_its_own(tmp_path: Path) -> None:
    first = installation_key(tmp_path / "one")
    assert len(base64.b64decode(first, validate=True)) == 32
    assert installation_key(tmp_path / "one") == first
    assert installation_key(tmp_path / "two") != first
    if os.name == "posix":
        mode = (tmp_path / "one" / "installation.key").stat().st_mode
        assert stat.S_IMODE(mode) == 0o600
