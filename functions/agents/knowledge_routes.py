"""An agent's knowledge over HTTP. It is live: every answer that begins after a write knows it."""

from typing import TypeVar

from functions.agents import knowledge
from functions.agents.knowledge import FoundPassage, Item, ListedItem, NewItem, Question, WrittenItem
from functions.shared.http import CONSOLE, MACHINE, Answer, Call, Items, Page, Reply, Routes

api = Routes("agents-api")

T = TypeVar("T", bound=Answer)
_MAX_BODY = 4 * 1024 * 1024
"""A megabyte of text may be several of JSON, as every character may come as an escape."""


def limits(model: type[T]) -> T:
    """The wizard's limits with those of knowledge."""
    return model(knowledge_items=knowledge.MAX_ITEMS, knowledge_item_bytes=knowledge.MAX_ITEM_BYTES)


@api.get("/api/agents/{agent}/knowledge", callers=(CONSOLE, MACHINE), summary="What the agent knows, item by item.")
def list_knowledge(call: Call, agent: str, query: Page) -> Items[ListedItem]:
    """Without the contents, the oldest first."""
    return knowledge.listed(call, agent, query)


@api.post(
    "/api/agents/{agent}/knowledge",
    callers=(CONSOLE, MACHINE),
    status=201,
    idempotent=True,
    deadline="slow",
    max_body=_MAX_BODY,
    summary="Teach the agent something.",
)
def add_knowledge(call: Call, agent: str, body: NewItem) -> Reply[WrittenItem]:
    """Searchable when the answer comes. The agent's ETag changes with it."""
    item, etag = knowledge.add(call, agent, body)
    return Reply(item, etag=etag, headers={"Location": f"/api/agents/{agent}/knowledge/{item.id}"})


@api.get("/api/agents/{agent}/knowledge/{item}", callers=(CONSOLE, MACHINE), summary="One item with its content.")
def get_knowledge(call: Call, agent: str, item: str) -> Reply[Item]:
    """As it was written."""
    found, etag = knowledge.get(call, agent, item)
    return Reply(found, etag=etag)


@api.put(
    "/api/agents/{agent}/knowledge/{item}",
    callers=(CONSOLE, MACHINE),
    deadline="slow",
    max_body=_MAX_BODY,
    summary="Replace an item.",
)
def replace_knowledge(call: Call, agent: str, item: str, body: NewItem) -> Reply[WrittenItem]:
    """If-Match is the item's ETag, not the agent's."""
    found, etag = knowledge.replace(call, agent, item, body)
    return Reply(found, etag=etag)


@api.delete(
    "/api/agents/{agent}/knowledge/{item}", callers=(CONSOLE, MACHINE), deadline="slow", summary="Forget an item."
)
def delete_knowledge(call: Call, agent: str, item: str) -> None:
    """Earlier answers keep the passage that they named."""
    knowledge.delete(call, agent, item)


@api.post(
    "/api/agents/{agent}/knowledge/search",
    callers=(CONSOLE, MACHINE),
    role="viewer",
    scope="read",
    summary="What a question would find, with scores.",
)
def search_knowledge(call: Call, agent: str, body: Question) -> Items[FoundPassage]:
    """By the code that answers visitors."""
    return knowledge.search(call, agent, body)
