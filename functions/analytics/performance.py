"""How well it went: latencies, errors, hand-offs, resolutions, ratings and costs, each span beside the one before it."""

from collections.abc import Sequence
from datetime import date

from functions.analytics import freshness, metrics, repository, series, steps, usage
from functions.analytics.models import Comparison, Days, Performance, VersionList, VersionPerformance
from functions.analytics.query_models import MOST_DAYS, MOST_HOUR_DAYS, PerformanceQuery, Range, VersionsQuery
from functions.analytics.rollups import summed
from functions.analytics.usage import Wanted
from functions.shared import contracts, ids
from functions.shared.contracts import AgentRead, Counters, RollupRead, VersionRead
from functions.shared.errors import Invalid, NotFound
from functions.shared.firestore import Snapshot
from functions.shared.http import Call
from functions.shared.http.messages import page_token, page_values


def workspace(call: Call, query: PerformanceQuery) -> Comparison:
    """Of the workspace, or of what the query names. Raises Invalid as `usage.stats` does."""
    return _compared(call, query, Wanted(query))


def agent(call: Call, agent: str, query: Range) -> Comparison:
    """Of one agent; one without turns has figures of zero. Raises NotFound when there is no such agent, and Invalid."""
    _found(call, agent)
    asked = {"from": query.from_, "to": query.to, "agent": agent}
    only = PerformanceQuery.model_validate(asked)
    return _compared(call, only, Wanted(only))


def _compared(call: Call, query: PerformanceQuery, wanted: Wanted) -> Comparison:
    home = repository.workspace(call.workspace)
    zone = usage.zone_of(home)
    first, last = usage.span(call, query, zone, MOST_HOUR_DAYS if query.granularity == "hour" else MOST_DAYS)
    earlier = _before(query, first, last)
    cut = series.Cut.of(query.granularity, (first, last), earlier, zone)
    usage.check_parts(query.granularity or "day", wanted, cut.parts, (last - first).days + 1)
    spans = day_names(first, last), day_names(*earlier)
    names = list(dict.fromkeys([*spans[0], *spans[1], *(part.name for part in cut.parts)]))
    fields = wanted.fields(quarters=any(part.quarters for part in cut.parts))
    found = dict(zip(names, repository.rollups(call.workspace, names, fields), strict=True))
    current, before = [found[name] for name in spans[0]], [found[name] for name in spans[1]]
    now, then = wanted.of(current), wanted.of(before)
    as_of = usage.newest(current)
    begins, ends = steps.bounds(first, zone)[0], steps.bounds(last, zone)[1]
    return Comparison(
        days=Days(first=first, last=last),
        days_before=Days(first=earlier[0], last=earlier[1]),
        current=metrics.filled(Performance, now, home.currency, by_model=wanted.by_model),
        before=metrics.filled(Performance, then, home.currency, by_model=wanted.by_model),
        change=metrics.changes(Performance, now, then, by_model=wanted.by_model),
        group_by=query.group_by,
        groups={
            key: metrics.filled(Performance, counted, home.currency, by_model=wanted.groups_by_model)
            for key, counted in wanted.groups(current).items()
        },
        series=cut.filled(found, wanted, home.currency, call.now),
        time_zone=home.time_zone,
        as_of=as_of,
        late_since=freshness.late_since(call.workspace, as_of or begins, call.now)
        if begins <= call.now < ends
        else None,
    )


def _before(query: PerformanceQuery, first: date, last: date) -> tuple[date, date]:
    """The span to compare with. Raises Invalid for half a span, one that is reversed, and one that is too long."""
    since, until = query.before_from, query.before_to
    if since is None and until is None:
        return steps.before(first, last)
    if since is None or until is None or since > until or (until - since).days >= MOST_DAYS:
        message = f"`before_from` and `before_to` go together: a span of at most {MOST_DAYS} days, in this order."
        raise Invalid(errors=[{"pointer": "/before_from", "message": message}])
    return since, until


def day_names(first: date, last: date) -> list[str]:
    """The rollups of the workspace's days from the first to the last."""
    return [f"day_{day}" for day in steps.days_of(first, last)]


def versions(call: Call, agent: str, query: VersionsQuery) -> VersionList:
    """Quality and margin of each published version of an agent, the newest first. Raises NotFound and Invalid."""
    published = _found(call, agent).published_version
    home = repository.workspace(call.workspace)
    first, last = usage.span(call, query, usage.zone_of(home), MOST_DAYS)
    page = repository.versions(call.workspace, agent, query.page_size + 1, _place(call, agent, query))
    more, page = len(page) > query.page_size, page[: query.page_size]
    fields = [("as_of_micros",), *(("versions", one.id) for one in page)]
    rollups = repository.rollups(call.workspace, day_names(first, last), fields)
    shown = [
        metrics.filled(
            VersionPerformance,
            summed(_of_version(rollups, one.id)),
            home.currency,
            version_id=one.id,
            is_published=one.id == published,
            **VersionRead.model_validate(one.data).model_dump(),
        )
        for one in page
    ]
    with_some = [rollup for rollup in rollups if rollup.versions.keys() & {one.id for one in page}]
    return VersionList(
        items=shown,
        days=Days(first=first, last=last),
        time_zone=home.time_zone,
        as_of=usage.newest(with_some),
        next_page_token=page_token(page[-1].data["number"], page[-1].id) if more else None,
    )


def _of_version(rollups: Sequence[RollupRead], version: str) -> list[Counters]:
    return [rollup.versions[version] for rollup in rollups if version in rollup.versions]


def _place(call: Call, agent: str, query: VersionsQuery) -> tuple[int, str] | None:
    values = page_values(query.page_token, 2)
    if values is None:
        return None
    number, version = values
    if type(number) is not int or not isinstance(version, str) or not ids.valid("version", version):
        raise Invalid(errors=[{"pointer": "/page_token", "message": "This is not a page token of this list."}])
    return number, contracts.path(call.workspace, "agents", agent, "versions", version)


def _found(call: Call, agent: str) -> AgentRead:
    found: Snapshot | None = repository.agent(call.workspace, agent) if ids.valid("agent", agent) else None
    if found is None or not found.exists:
        raise NotFound("There is no such agent.")
    return AgentRead.model_validate(found.data)
