"""Whether a business is open at a moment, by its own clock, and its hours in words."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from functions.agents.models import Hours

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def is_open(hours: Hours | None, moment: datetime) -> bool:
    """Whether a person can be reached at `moment`; without hours always. A span has its beginning and not its end.

    What counts is the wall clock in the business's time zone, also where summer time begins or ends.
    """
    if hours is None:
        return True
    local = moment.astimezone(ZoneInfo(hours.time_zone))
    now = local.hour * 60 + local.minute
    for begins, ends in _spans(hours, local):
        if begins <= now < ends if begins < ends else begins <= now:
            return True
    # What began yesterday may go on past midnight.
    return any(ends <= begins and now < ends for begins, ends in _spans(hours, local - timedelta(days=1)))


def _spans(hours: Hours, local: datetime) -> list[tuple[int, int]]:
    found = []
    for span in getattr(hours, DAYS[local.weekday()]):
        (begin_hour, begin_minute), (end_hour, end_minute) = (part.split(":") for part in span.split("-"))
        found.append((int(begin_hour) * 60 + int(begin_minute), int(end_hour) * 60 + int(end_minute)))
    return found


def written(hours: Hours | None) -> str:
    """The hours for the prompt, in one line; empty without any."""
    return f"{'; '.join(_days(hours))} ({hours.time_zone})" if hours is not None else ""


def lines(hours: Hours | None) -> list[str]:
    """The hours for a person who reads them, a line for each day and one for the time zone."""
    return ["At any time"] if hours is None else [*_days(hours), f"Time zone {hours.time_zone}"]


def _days(hours: Hours) -> list[str]:
    return [f"{day.capitalize()} {', '.join(spans) or 'closed'}" for day in DAYS for spans in [getattr(hours, day)]]
