"""The workspace by the industries of its agents, each beside the span before and beside what is typical of it."""

from functions.analytics import benchmarks, metrics, performance, repository, steps, usage
from functions.analytics.models import Days, Industries, IndustryPerformance, Performance
from functions.analytics.query_models import MOST_DAYS, Range
from functions.analytics.rollups import summed
from functions.shared.contracts import Counters
from functions.shared.http import Call

FIELDS = [("as_of_micros",), ("industries",)]


def listed(call: Call, query: Range) -> Industries:
    """Every industry of the two spans, with the most turns first. Raises Invalid as `usage.span` does.

    Who has no turns pays for no benchmark.
    """
    home = repository.workspace(call.workspace)
    first, last = usage.span(call, query, usage.zone_of(home), MOST_DAYS)
    earlier = steps.before(first, last)
    since, until = benchmarks.days(call.now)
    spans = {
        "now": performance.day_names(first, last),
        "then": performance.day_names(*earlier),
        "benchmark": performance.day_names(since, until),
    }
    names = list(dict.fromkeys(name for span in spans.values() for name in span))
    found = dict(zip(names, repository.rollups(call.workspace, names, FIELDS), strict=True))

    def counted(span: str, industry: str) -> Counters:
        cuts = (found[name].industries.get(industry) for name in spans[span])
        return summed([cut for cut in cuts if cut is not None])

    known = {industry for span in ("now", "then") for name in spans[span] for industry in found[name].industries}
    made = benchmarks.of_day(call.now) if known else benchmarks.Benchmarks(since, until, None, {})
    items = []
    for industry in sorted(known, key=lambda one: (-counted("now", one).turns, one)):
        now, then = counted("now", industry), counted("then", industry)
        items.append(
            IndustryPerformance(
                industry=industry,
                current=metrics.filled(Performance, now, home.currency),
                before=metrics.filled(Performance, then, home.currency),
                change=metrics.changes(Performance, now, then),
                benchmark=made.beside(industry, counted("benchmark", industry)),
            )
        )
    return Industries(
        items=items,
        days=Days(first=first, last=last),
        days_before=Days(first=earlier[0], last=earlier[1]),
        benchmark_days=Days(first=made.first, last=made.last),
        least_workspaces=benchmarks.LEAST_WORKSPACES,
        benchmark_as_of=made.as_of,
        time_zone=home.time_zone,
        as_of=usage.newest(found[name] for name in spans["now"]),
    )
