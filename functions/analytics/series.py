"""A span and the one before it step by step, and which part of both is compared: only what is over; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from functions.analytics import metrics, steps
from functions.analytics.models import Detailed, PerformanceStep, Series
from functions.analytics.steps import Granularity, Part, Step
from functions.analytics.usage import Wanted
from functions.shared.contracts import RollupRead

Span = tuple[date, date]


@dataclass(frozen=True)
class Cut:
    """Two spans of days cut into steps; without a granularity there is nothing to cut."""

    granularity: Granularity | None
    span: Span
    zone: ZoneInfo
    current: Sequence[Step]
    before: Sequence[Step]

    @classmethod
    def of(cls, granularity: Granularity | None, span: Span, before: Span, zone: ZoneInfo) -> "Cut":
        """The steps of both spans, by the workspace's own zone."""
        if granularity is None:
            return cls(None, span, zone, (), ())
        current, earlier = (steps.cut(*days, granularity, zone, zone) for days in (span, before))
        return cls(granularity, span, zone, current, earlier)

    @property
    def parts(self) -> list[Part]:
        """Everything that has to be read."""
        return [part for step in (*self.current, *self.before) for part in step.parts]

    def filled(self, found: Mapping[str, RollupRead], wanted: Wanted, currency: str, now: datetime) -> Series | None:
        """The figures of the steps, and the change of what is over."""
        if self.granularity is None:
            return None

        def figures(parts: Sequence[Part]) -> Detailed:
            counted = wanted.of([cut for part in parts for cut in part.of(found)])
            return metrics.filled(Detailed, counted, currency, by_model=wanted.by_model)

        def shown(cut: Sequence[Step]) -> list[PerformanceStep]:
            return [
                PerformanceStep(start=step.start, unfinished=self._unfinished(step, now), figures=figures(step.parts))
                for step in cut
            ]

        over, over_before = self._over(now)
        counted, counted_before = (
            wanted.of([cut for part in parts for cut in part.of(found)]) for parts in (over, over_before)
        )
        return Series(
            granularity=self.granularity,
            items=shown(self.current),
            before=shown(self.before),
            total=figures([part for step in self.current for part in step.parts]),
            compared=metrics.filled(Detailed, counted, currency, by_model=wanted.by_model),
            compared_before=metrics.filled(Detailed, counted_before, currency, by_model=wanted.by_model),
            change=metrics.changes(Detailed, counted, counted_before, by_model=wanted.by_model),
        )

    def _over(self, now: datetime) -> tuple[list[Part], list[Part]]:
        """The parts of the span that are over, and as many of the span before; all of both once the span is over.

        The steps of the workspace's own zone are days, each one part, or hours of at most two: the same part of a span
        is as many of its days, or of its hours.
        """
        if self.granularity == "hour":
            over = [step for step in self.current if not self._unfinished(step, now)]
            same = self.before if len(over) == len(self.current) else self.before[: len(over)]
            return [part for step in over for part in step.parts], [part for step in same for part in step.parts]
        days = [part for step in self.current for part in step.parts]
        days_before = [part for step in self.before for part in step.parts]
        first, last = self.span
        today = now.astimezone(self.zone).date()
        if last < today:
            return days, days_before
        count = max(0, (today - first).days)
        return days[:count], days_before[:count]

    def _unfinished(self, step: Step, now: datetime) -> bool:
        """Whether the step ends after `now`. A week or month that the span cuts short ends with the span."""
        if self.granularity == "hour":
            return datetime.fromisoformat(step.start) + timedelta(hours=1) > now
        # A day's rollup is named by it, and the last of a step is its last day.
        return date.fromisoformat(step.parts[-1].name.removeprefix("day_")) >= now.astimezone(self.zone).date()
