"""Analytics over HTTP: usage, performance, conversations."""

from functions.analytics import conversations, export_routes, usage
from functions.analytics.definitions import DEFINITIONS
from functions.analytics.models import (
    Comparison,
    ConversationFilter,
    ConversationItem,
    Definition,
    PerformanceQuery,
    Stats,
    StatsQuery,
    Transcript,
)
from functions.shared import firestore
from functions.shared.http import CONSOLE, MACHINE, Call, Items, Routes

api = Routes("analytics-api")
api.include(export_routes.api)


@api.get("/api/usage/stats", callers=(CONSOLE, MACHINE), summary="Tokens, cost and charge over time, by dimension.")
def usage_stats(call: Call, query: StatsQuery) -> Stats:
    """Steps without usage are there, with zeros."""
    return usage.stats(call, query)


@api.get("/api/conversations", callers=(CONSOLE, MACHINE), summary="Conversations, the latest first.")
def list_conversations(call: Call, query: ConversationFilter) -> Items[ConversationItem]:
    """By agent and by words that were said."""
    return conversations.listed(call, query)


@api.get("/api/conversations/{conversation}", callers=(CONSOLE, MACHINE), summary="A conversation with its transcript.")
def get_conversation(call: Call, conversation: str) -> Transcript:
    """Tokens, cost, latency, sources and feedback of every answer."""
    return conversations.one(call, conversation)


@api.get("/api/analytics", callers=(CONSOLE, MACHINE), summary="Performance, beside the span before.")
def performance(call: Call, query: PerformanceQuery) -> Comparison:
    """Of the whole workspace."""
    return usage.performance(call, query)


@api.get("/api/analytics/agents/{agent}", callers=(CONSOLE, MACHINE), summary="Performance of one agent.")
def agent_performance(call: Call, agent: str, query: PerformanceQuery) -> Comparison:
    """An agent without turns has figures of zero."""
    return usage.performance(call, query, agent)


@api.get("/api/analytics/definitions", callers=(CONSOLE, MACHINE), summary="What every figure means, exactly.")
def definitions(call: Call) -> Items[Definition]:
    """The console shows these."""
    return Items(items=DEFINITIONS)


@api.check("firestore")
def _firestore() -> None:
    firestore.get("health/analytics-api")
