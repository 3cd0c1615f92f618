"""What an agent knows, item by item: stored, cut, embedded and searchable in one commit.

Content and vectors lie in parts beside the index, so an item may be as large as a megabyte while its document stays
small. A write makes a whole new index under a new revision first, which nobody reads yet; one commit then switches the
agent to it together with the item. The commit demands the agent as it was read, so of two writers at once one does it
again on what the other left, and no item is ever lost.
"""

import json
import zlib
from collections.abc import Callable, Sequence
from typing import Any

from pydantic import Field

from functions.agents import knowledge_index, passages, repository, wizard
from functions.agents.chunking import Source
from functions.agents.connections import provider
from functions.agents.knowledge_index import Content
from functions.agents.knowledge_items import Item, ListedItem, Pair, WrittenItem, shown, size, without_text
from functions.shared import clock, firestore, ids
from functions.shared.errors import Conflict, Invalid, NotFound, Stale
from functions.shared.firestore import Snapshot
from functions.shared.http import Answer, Body, Call, Items, Page, page_token, page_values

MAX_ITEMS = 500
_PART_BYTES = 900_000
_COMMIT_BYTES = 6_000_000
"""Contents in one commit from which on no further item gets its new vectors stored; a commit is at most 10 MiB."""

MOST_FORGOTTEN = 200
"""Parts of earlier indexes that a deletion takes along in its commit; the sweep after it takes the rest."""


class Question(Body):
    """A question as a visitor would ask it."""

    question: str = Field(min_length=1, max_length=4000)
    passages: int = Field(default=4, ge=1, le=8)


class FoundPassage(Answer):
    """One passage that would go into the prompt, with why: `score` ranks, `evidence` of 1 and more counts as an answer.

    `cosine` is null when the question was compared by words alone.
    """

    item_id: str
    title: str
    text: str
    score: float
    bm25: float
    cosine: float | None
    evidence: float


def listed(call: Call, agent: str, query: Page) -> Items[ListedItem]:
    """A page of the items, the oldest first. Raises NotFound."""
    wizard.found(call, agent)
    items = repository.items(call.workspace, agent)
    values = page_values(query.page_token, 1)
    if values is not None:
        items = [item for item in items if item.id > str(values[0])]
    page = items[: query.page_size]
    token = page_token(page[-1].id) if len(items) > query.page_size else None
    return Items(items=[ListedItem(id=item.id, **shown(item.data)) for item in page], next_page_token=token)


def get(call: Call, agent: str, item: str) -> tuple[Item, str]:
    """One item with its content, and its etag. Raises NotFound."""
    wizard.found(call, agent)
    found = _found(call, agent, item)
    content = _contents(call, agent, [found]).get(item)
    if content is None:
        raise NotFound("The item was changed at this moment. Read it again.")
    source = content.source
    pairs = [Pair(question=q, answer=a) for q, a in source.pairs] or None
    return Item(id=item, **shown(found.data), text=None if pairs else source.text, pairs=pairs), found.etag


def add(call: Call, agent: str, new: Callable[[str], Source]) -> tuple[WrittenItem, str]:
    """Store a new item and make it searchable; `new` makes it under the id that it gets.

    Raises NotFound, Invalid, TooLarge, Conflict (`too_many_items`), Contended, and what `new` raises.
    """
    wizard.found(call, agent)
    return _written(*_write(call, agent, new(call.new_id("knowledge"))))


def replace(call: Call, agent: str, item: str, new: Callable[[str], Source]) -> tuple[WrittenItem, str]:
    """Store an item's new content, all of it or nothing. Raises as `add`, and Stale when the item's etag is."""
    found = _found(call, agent, item)
    if call.if_match is not None and found.etag != call.if_match:
        raise _stale(found)
    return _written(*_write(call, agent, new(item)))


def delete(call: Call, agent: str, item: str) -> None:
    """Forget an item and every passage of it: no turn that begins from now on finds it. Raises as `replace`."""
    _found(call, agent, item)
    _write(call, agent, item)


def search(call: Call, agent: str, asked: Question) -> Items[FoundPassage]:
    """What a turn would find, by the very same code, best first. Raises NotFound.

    Nothing means: the agent would say that it does not know.
    """
    kept, _ = wizard.found(call, agent)
    hits = passages.find(call.workspace, agent, kept.knowledge, asked.question, asked.passages, provider)
    return Items(
        items=[
            FoundPassage(
                item_id=hit.item_id,
                title=hit.title,
                text=hit.text,
                score=round(hit.score, 6),
                bm25=round(hit.bm25, 4),
                cosine=None if hit.cosine is None else round(hit.cosine, 4),
                evidence=round(hit.evidence, 4),
            )
            for hit in hits
        ]
    )


def lacking(call: Call, agent: str) -> Callable[[Sequence[str]], list[int]]:
    """Says of any texts, by their numbers, which the agent's knowledge has nothing about. Raises NotFound."""
    kept, _ = wizard.found(call, agent)
    return lambda texts: passages.unknown(call.workspace, agent, kept.knowledge, texts, provider)


def _found(call: Call, agent: str, item: str) -> Snapshot:
    if ids.valid("knowledge", item):
        (found,) = repository.read(repository.item_path(call.workspace, agent, item))
        if found.exists:
            return found
    raise NotFound("There is no such item of knowledge.")


def _told(item: str, document: dict[str, Any] | None) -> dict[str, Any] | None:
    """What the audit log says of an item as it was or is: enough to see what became another, nothing of its content."""
    if not document:
        return None
    facts = {name: document[name] for name in ("kind", "language", "bytes", "passages")}
    return {"item": item, "title": document["title"][:200], **facts}


def _written(item: WrittenItem | None, etag: str) -> tuple[WrittenItem, str]:
    assert item is not None, "only a deletion writes nothing"
    return item, etag


def _write(call: Call, agent: str, new: Source | str) -> tuple[WrittenItem | None, str]:
    """Write an item, or delete the one with this id."""
    writing = _Writing(call, agent, new)
    last: Exception | None = None
    while (call.deadline - clock.now()).total_seconds() > knowledge_index.SECONDS_TO_WRITE:
        try:
            return writing.attempt()
        except (firestore.Changed, firestore.AlreadyExists, firestore.Contended) as error:
            last = error
            knowledge_index.pause()
    raise firestore.Contended("Others are changing this agent's knowledge. Try again in a moment.") from last


class _Writing:
    """One write of an item, tried until nobody was faster; what was read and embedded is kept between attempts."""

    def __init__(self, call: Call, agent: str, new: Source | str) -> None:
        self.call, self.agent = call, agent
        self.item = new if isinstance(new, str) else new.item_id
        self.content = None if isinstance(new, str) else _content_of(new)
        self.known: dict[tuple[str, str], Content] = {}
        self.stored_bytes = 0

    def attempt(self) -> tuple[WrittenItem | None, str]:
        """Read, build, switch. Raises firestore.Changed when another writer was faster."""
        call, agent, item = self.call, self.agent, self.item
        kept, snapshot = wizard.found(call, agent)
        items = {one.id: one for one in repository.items(call.workspace, agent)}
        before = items.pop(item, None)
        if call.if_match is not None and (before is None or before.etag != call.if_match):
            # Of the item itself, so it is no reason to try again.
            raise _stale(before)
        if self.content is not None and len(items) >= MAX_ITEMS:
            raise Conflict(f"An agent knows at most {MAX_ITEMS} items.", code="too_many_items")
        contents = self._others(list(items.values()))
        changed = list(contents.values())
        if self.content is not None:
            changed.append(self.content)
        changed.sort(key=lambda content: content.source.item_id)
        warnings = [knowledge_index.embed(changed, call.deadline)]
        if self.content is not None:
            warnings.append(without_text(self.content.source))
        state, parts = knowledge_index.build(changed)
        index = firestore.Batch()
        for path, data in zip(
            repository.index_paths(call.workspace, agent, state.revision, state.parts), parts, strict=True
        ):
            index.set(path, {"bytes": data})
        index.commit()
        batch = firestore.Batch()
        self.stored_bytes = 0
        document: dict[str, Any] = {}
        if self.content is not None:
            document = self._document(before)
            self._store(batch, self.content, document)
            if before is None:
                batch.create(repository.item_path(call.workspace, agent, item), document)
            else:
                batch.replace(before.path, document, if_etag=before.etag)
        elif before is not None:
            batch.delete(before.path, if_etag=before.etag)
        if before is not None:
            for path in _content_paths(call, agent, before):
                batch.delete(path)
        if self.content is None:
            self._forget_indexes(batch, state.revision)
        for one in items.values():
            self._refresh(batch, one, contents[one.id])
        batch.update(
            snapshot.path,
            {("knowledge",): state.model_dump(), ("updated_at",): call.now},
            if_etag=snapshot.etag,
        )
        verb = "deleted" if self.content is None else "added" if before is None else "changed"
        told = {"before": _told(item, before.data if before else None), "after": _told(item, document)}
        wizard.tell(batch, call, f"knowledge.{verb}", agent, kept.name, **told)
        etags = batch.commit()
        knowledge_index.sweep(call.workspace, agent, kept.knowledge.revision, state.revision)
        if self.content is None:
            return None, ""
        written = WrittenItem(id=item, **shown(document), warning=" ".join(filter(None, warnings)) or None)
        return written, etags[repository.item_path(call.workspace, agent, item)]

    def _forget_indexes(self, batch: firestore.Batch, present: str) -> None:
        """Every other index goes with the item, as it may hold the item's text.

        A turn that is about to read one reads the present one instead. One that another writer has made by now is
        lost to that writer anyway: this commit changes the agent that the writer has read.
        """
        names = repository.chunk_ids(self.call.workspace, self.agent)
        old = [name for name in names if "." not in name and not name.startswith(f"{present}_")]
        for name in old[:MOST_FORGOTTEN]:
            batch.delete(repository.chunk_path(self.call.workspace, self.agent, name))

    def _others(self, items: list[Snapshot]) -> dict[str, Content]:
        missing = [one for one in items if (one.id, one.data["revision"]) not in self.known]
        found = _contents(self.call, self.agent, missing)
        if len(found) < len(missing):
            raise firestore.Changed("an item was changed while it was read")
        for one in missing:
            self.known[one.id, one.data["revision"]] = found[one.id]
        return {one.id: self.known[one.id, one.data["revision"]] for one in items}

    def _document(self, before: Snapshot | None) -> dict[str, Any]:
        content = self.content
        assert content is not None
        source = content.source
        return {
            "kind": source.kind,
            "title": source.title,
            "language": source.language,
            "bytes": size(source),
            "passages": len(content.chunks),
            "created_at": before.data["created_at"] if before is not None else self.call.now,
            "updated_at": self.call.now,
        }

    def _store(self, batch: firestore.Batch, content: Content, document: dict[str, Any]) -> None:
        data = _packed(content)
        self.stored_bytes += len(data)
        parts = [data[at : at + _PART_BYTES] for at in range(0, len(data), _PART_BYTES)]
        document |= {"revision": knowledge_index.stamp(), "parts": len(parts), "embedded": content.embedded}
        item = content.source.item_id
        paths = repository.content_paths(self.call.workspace, self.agent, item, document["revision"], len(parts))
        for path, part in zip(paths, parts, strict=True):
            batch.create(path, {"bytes": part})

    def _refresh(self, batch: firestore.Batch, one: Snapshot, content: Content) -> None:
        """An item whose vectors are new, because the model changed or failed before, is stored with them."""
        if content.embedded == one.data["embedded"]:
            return
        if len(batch) > knowledge_index.MOST_REFRESHED or self.stored_bytes > _COMMIT_BYTES:
            return
        document = dict(one.data)
        for path in _content_paths(self.call, self.agent, one):
            batch.delete(path)
        self._store(batch, content, document)
        batch.replace(one.path, document, if_etag=one.etag)


def _stale(before: Snapshot | None) -> Exception:
    if before is None:
        return NotFound("There is no such item of knowledge.")
    return Stale("The item has changed since you read it. Read it again.")


def _content_of(source: Source) -> Content:
    content = Content(source)
    if not content.chunks:
        raise Invalid(errors=[{"pointer": "/text", "message": "There is nothing to know in it."}])
    return content


def _packed(content: Content) -> bytes:
    source = content.source
    head = zlib.compress(json.dumps([source.text, source.pairs], ensure_ascii=False).encode(), 6)
    return len(head).to_bytes(4, "big") + head + (content.vectors or b"")


def _content_paths(call: Call, agent: str, item: Snapshot) -> list[str]:
    return repository.content_paths(call.workspace, agent, item.id, item.data["revision"], item.data["parts"])


def _contents(call: Call, agent: str, items: list[Snapshot]) -> dict[str, Content]:
    """The contents of these items; one that was replaced meanwhile is missing."""
    paths = {item.id: _content_paths(call, agent, item) for item in items}
    every = [path for group in paths.values() for path in group]
    found = {part.path: part for part in repository.read(*every)} if every else {}
    contents = {}
    for item in items:
        parts = [found[path] for path in paths[item.id]]
        if all(part.exists for part in parts):
            contents[item.id] = _unpacked(item, b"".join(bytes(part.data["bytes"]) for part in parts))
    return contents


def _unpacked(item: Snapshot, data: bytes) -> Content:
    size = int.from_bytes(data[:4], "big")
    text, pairs = json.loads(zlib.decompress(data[4 : 4 + size]))
    kept = item.data
    source = Source(item.id, kept["title"], kept["kind"], text, tuple((q, a) for q, a in pairs), kept["language"])
    return Content(source, data[4 + size :] or None, kept["embedded"])
