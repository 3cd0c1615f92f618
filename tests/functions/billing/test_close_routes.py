"""What the daily schedule does besides asking for closes."""

import json
from datetime import date

import pytest

from functions.billing import close_routes


def test_prices_that_were_not_compared_for_long_alarm(capsys: pytest.CaptureFixture[str]) -> None:
    close_routes.look_at_prices(date(2027, 6, 1))
    line = json.loads(capsys.readouterr().out)
    assert (line["alarm"], line["message"]) == (True, "prices were not checked for too long")
    assert "gemini-4-argon" in line["models"]


def test_fresh_prices_and_those_that_never_were_compared_do_not(capsys: pytest.CaptureFixture[str]) -> None:
    close_routes.look_at_prices(date(2026, 11, 25))
    assert capsys.readouterr().out == ""
