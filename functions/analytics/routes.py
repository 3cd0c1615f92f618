"""Analytics over HTTP: usage, performance, conversations."""

from functions.analytics import conversations, export_routes, industries, performance, usage
from functions.analytics.definitions import DEFINITIONS
from functions.analytics.models import (
    Comparison,
    ConversationItem,
    Definition,
    Industries,
    Stats,
    Transcript,
    VersionList,
)
from functions.analytics.query_models import (
    ConversationFilter,
    PerformanceQuery,
    Range,
    StatsQuery,
    TranscriptQuery,
    VersionsQuery,
)
from functions.shared import firestore
from functions.shared.http import CONSOLE, MACHINE, Call, Items, Reply, Routes

api = Routes("analytics-api")
api.include(export_routes.api)


@api.get("/api/usage/stats", callers=(CONSOLE, MACHINE), summary="Tokens, cost and charge over time, by dimension.")
def usage_stats(call: Call, query: StatsQuery) -> Stats:
    """Steps without usage are there, with zeros."""
    return usage.stats(call, query)


@api.get("/api/conversations", callers=(CONSOLE, MACHINE), summary="Conversations, the latest first.")
def list_conversations(call: Call, query: ConversationFilter) -> Items[ConversationItem]:
    """By whom and where, how they ended, when, and words that were said."""
    return conversations.listed(call, query)


@api.get(
    "/api/conversations/{conversation}",
    callers=(CONSOLE, MACHINE),
    etag=True,
    summary="A conversation with its transcript.",
)
def get_conversation(call: Call, conversation: str, query: TranscriptQuery) -> Reply[Transcript]:
    """Tokens, cost, latency, sources and feedback of every answer; 200 turns at once."""
    found, etag = conversations.one(call, conversation, query)
    return Reply(found, etag=etag)


@api.get("/api/analytics", callers=(CONSOLE, MACHINE), summary="Performance, beside the span before.")
def workspace_performance(call: Call, query: PerformanceQuery) -> Comparison:
    """Of the whole workspace, or of one agent, model, channel, industry or version."""
    return performance.workspace(call, query)


@api.get("/api/analytics/agents/{agent}", callers=(CONSOLE, MACHINE), summary="Performance of one agent.")
def agent_performance(call: Call, agent: str, query: Range) -> Comparison:
    """An agent without turns has figures of zero."""
    return performance.agent(call, agent, query)


@api.get(
    "/api/analytics/agents/{agent}/versions",
    callers=(CONSOLE, MACHINE),
    summary="Quality, cost and margin of each published version of an agent.",
)
def version_performance(call: Call, agent: str, query: VersionsQuery) -> VersionList:
    """The newest first."""
    return performance.versions(call, agent, query)


@api.get(
    "/api/analytics/industries",
    callers=(CONSOLE, MACHINE),
    deadline="slow",
    summary="Performance by industry, beside what is typical of it across workspaces.",
)
def industry_performance(call: Call, query: Range) -> Industries:
    """The day's first page waits for the benchmarks to be made."""
    return industries.listed(call, query)


@api.get("/api/analytics/definitions", callers=(CONSOLE, MACHINE), summary="What every figure means, exactly.")
def definitions(call: Call) -> Items[Definition]:
    """The console shows these."""
    return Items(items=DEFINITIONS)


@api.check("firestore")
def _firestore() -> None:
    firestore.get("health/analytics-api")
