"""What people of a business do about a visitor's wish, a hand-off or a lead: take it, finish it, put it back, note it.

Both are a part of the conversation's document with a state of its own: waiting, taken by somebody, done. The note is for
colleagues; what a wish had no state for waits.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal

from pydantic import Field

from functions.agents import repository
from functions.shared import activity, firestore, ids
from functions.shared.errors import Conflict, NotFound
from functions.shared.firestore import FieldPath, Snapshot
from functions.shared.http import Body, Call

State = Literal["waiting", "taken", "done"]


class Seen(Body):
    """How a wish stood when somebody decided about it, as it was shown."""

    state: State
    taken_by: str | None = None
    note: str | None = Field(default=None, max_length=2000)


class Handling(Body):
    """What a person does about it; `note` is for colleagues, the visitor does not see it.

    With `seen`, nothing is done when a colleague has changed state or note since: what one saw is no more.
    """

    state: State
    note: str | None = Field(default=None, max_length=2000)
    seen: Seen | None = None


def change(
    call: Call,
    conversation: str,
    wish: Literal["hand_off", "lead"],
    handling: Handling,
    also: Callable[[Mapping[str, Any], dict[str, Any]], dict[FieldPath, Any]],
) -> dict[str, Any]:
    """Change the state of the conversation's wish, and its note if there is one; returns the conversation as it is then.

    `also` gets the conversation as it was and the wish as it becomes, and says which fields change with it; it raises
    NotFound when there is no such wish. Raises NotFound, and Conflict when a colleague has it (`taken_already`) or has
    changed what the caller saw (`handled_since`).
    """
    me = call.principal.actor

    def work(batch: firestore.Batch, known: list[Snapshot]) -> dict[str, Any]:
        found = known[0]
        kept = dict(found.data.get(wish) or {})
        before: State = kept.get("state") or "waiting"
        by = kept.get("taken_by")
        if handling.state == "taken" and before == "taken" and by != me:
            raise Conflict("A colleague has taken it. It can be put back to waiting first.", code="taken_already")
        stands = Seen(state=before, taken_by=by, note=kept.get("staff_note"))
        kept |= {"state": handling.state, "taken_by": None if handling.state == "waiting" else by or me}
        if handling.note is not None:
            kept["staff_note"] = handling.note
        becomes = Seen(state=handling.state, taken_by=kept["taken_by"], note=kept.get("staff_note"))
        # What stands as it is wanted is no conflict: it may be the same request, whose answer was lost.
        if handling.seen not in (None, stands) and becomes != stands:
            raise Conflict("A colleague has changed its state or note since. Look at it again.", code="handled_since")
        batch.update(found.path, {(wish,): kept, **also(found.data, kept)}, if_etag=found.etag)
        activity.record(
            batch,
            call.workspace,
            call.principal,
            f"{wish}.{handling.state}",
            kind="conversation",
            subject=conversation,
            before={"state": before},
            after={"state": handling.state},
            now=call.now,
        )
        return {**found.data, wish: kept}

    if not ids.valid("conversation", conversation):
        raise NotFound("There is no such conversation.")
    paths = [repository.conversation_path(call.workspace, conversation)]
    # The visitor may speak at this moment, which changes the same document and not what is decided here.
    return firestore.compete(paths, repository.read(*paths), work)
