"""The only clock, and the only reader and writer of times as text.

Inside, a time is an aware datetime in UTC; at the edge it is RFC 3339 with `Z`. Code that closes periods never calls
`now`: it takes its `as_of` from the message (MONEY 8).
"""

import time
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from functools import cache

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _real() -> datetime:
    return datetime.now(UTC)


_now: Callable[[], datetime] = _real
_monotonic: Callable[[], float] = time.monotonic


def now() -> datetime:
    """The present moment in UTC, with microseconds."""
    return _now()


def monotonic() -> float:
    """Seconds of a clock that never jumps; for latencies and deadlines inside one process."""
    return _monotonic()


def follow(moment: Callable[[], datetime], seconds: Callable[[], float]) -> None:
    """Tell the time of another clock in this process from now on.

    Nothing deployed calls this, and a test says so: it lets the demo's data be lived through in the past.
    """
    global _now, _monotonic
    _now, _monotonic = moment, seconds


def to_text(moment: datetime) -> str:
    """RFC 3339 in UTC with microseconds and `Z`: `2026-11-25T12:00:00.000000Z`. Raises ValueError for a naive time."""
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def from_text(text: str) -> datetime:
    """The inverse of `to_text`; takes any RFC 3339 offset. Raises ValueError, also for a time without one."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"no offset in {text!r}")
    return moment.astimezone(UTC)


def to_micros(moment: datetime) -> int:
    """Unix time in microseconds, to the last one; counters hold times so."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def from_micros(micros: int) -> datetime | None:
    """The inverse of `to_micros`; None for 0, which is a counter that no event has reached."""
    return _EPOCH + timedelta(microseconds=micros) if micros else None


def day_of(moment: datetime) -> str:
    """The UTC day that a moment belongs to: `2026-11-25`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d")


def month_of(moment: datetime) -> str:
    """The UTC month, which is the billing period, that a moment belongs to: `2026-11`."""
    return moment.astimezone(UTC).strftime("%Y-%m")


def start_of_day(day: str) -> datetime:
    """Midnight UTC at which `day` (`2026-11-25`) begins. Raises ValueError when it is no day."""
    return datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC)


def next_day(day: str) -> str:
    """The day after."""
    return day_of(start_of_day(day) + timedelta(days=1))


def runs(days: Iterable[str], longest: int) -> list[tuple[str, str]]:
    """These UTC days as the first and the last of each run without a gap, in order, none longer than `longest` days."""
    found: list[tuple[str, str]] = []
    length = 0
    for day in sorted(set(days)):
        if found and next_day(found[-1][1]) == day and length < longest:
            found[-1] = found[-1][0], day
            length += 1
        else:
            found.append((day, day))
            length = 1
    return found


def days_between(first: str, last: str) -> list[str]:
    """The UTC days from the first to the last, both included."""
    begin = date.fromisoformat(first)
    return [(begin + timedelta(days=n)).isoformat() for n in range((date.fromisoformat(last) - begin).days + 1)]


def start_of_month(month: str) -> datetime:
    """Midnight UTC at which `month` (`2026-11`) begins. Raises ValueError when it is no month."""
    return datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)


def next_month(month: str) -> str:
    """The month after."""
    return month_of(start_of_month(month) + timedelta(days=32))


def is_time_zone(name: str) -> bool:
    """Whether the IANA database has a time zone of this name, such as Europe/Berlin."""
    return name in _time_zones()


@cache
def _time_zones() -> frozenset[str]:
    """Read once: it walks through every folder of the database, which takes longer than a turn's own work."""
    from zoneinfo import available_timezones

    return frozenset(available_timezones())
