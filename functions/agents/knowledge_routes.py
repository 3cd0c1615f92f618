"""An agent's knowledge over HTTP. It is live: every answer that begins after a write knows it."""

from typing import TypeVar

from functions.agents import documents, knowledge, knowledge_items
from functions.agents.knowledge import FoundPassage, Question
from functions.agents.knowledge_items import FileQuery, Item, ListedItem, NewItem, WrittenItem
from functions.shared.http import CONSOLE, MACHINE, Answer, Call, Items, Page, Raw, Reply, Routes

api = Routes("agents-api")

T = TypeVar("T", bound=Answer)
_MAX_BODY = 4 * 1024 * 1024
"""A megabyte of text may be several of JSON, as every character may come as an escape."""


def limits(model: type[T]) -> T:
    """The wizard's limits with those of knowledge."""
    return model(
        knowledge_items=knowledge.MAX_ITEMS,
        knowledge_item_bytes=knowledge_items.MAX_ITEM_BYTES,
        knowledge_file_bytes=documents.MAX_BYTES,
    )


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
    return _made(agent, *knowledge.add(call, agent, lambda item: knowledge_items.of_body(item, body, call.deadline)))


def _made(agent: str, item: WrittenItem, etag: str) -> Reply[WrittenItem]:
    return Reply(item, etag=etag, headers={"Location": f"/api/agents/{agent}/knowledge/{item.id}"})


@api.post(
    "/api/agents/{agent}/knowledge/files",
    callers=(CONSOLE, MACHINE),
    status=201,
    idempotent=True,
    deadline="slow",
    accepts=tuple(knowledge_items.FILES),
    max_body=documents.MAX_BYTES,
    summary="Teach the agent a file: PDF, HTML, Markdown or text.",
)
def add_file(call: Call, agent: str, query: FileQuery, body: Raw) -> Reply[WrittenItem]:
    """Its text is kept, not the file: of a page without scripts, styles and navigation. A scan without text is refused."""
    made = knowledge.add(call, agent, lambda item: knowledge_items.of_file(item, body, query, call.deadline))
    return _made(agent, *made)


@api.get(
    "/api/agents/{agent}/knowledge/{item}", callers=(CONSOLE, MACHINE), etag=True, summary="One item with its content."
)
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
    found, etag = knowledge.replace(call, agent, item, lambda name: knowledge_items.of_body(name, body, call.deadline))
    return Reply(found, etag=etag)


@api.put(
    "/api/agents/{agent}/knowledge/{item}/file",
    callers=(CONSOLE, MACHINE),
    deadline="slow",
    accepts=tuple(knowledge_items.FILES),
    max_body=documents.MAX_BYTES,
    summary="Replace an item by a file.",
)
def replace_by_file(call: Call, agent: str, item: str, query: FileQuery, body: Raw) -> Reply[WrittenItem]:
    """If-Match is the item's ETag. Until the file is read and searchable the item stays what it was."""
    found, etag = knowledge.replace(
        call, agent, item, lambda name: knowledge_items.of_file(name, body, query, call.deadline)
    )
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
