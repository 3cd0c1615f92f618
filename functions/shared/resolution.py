"""When a conversation counts as resolved: one rule, which the agents' room applies and the analytics' room shows in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from functions.shared.contracts import ConversationRead, TurnRead


@dataclass(frozen=True)
class Resolution:
    """The rule; `holds` applies it and `text` says it, both from these fields."""

    quiet: timedelta = timedelta(hours=24)
    """How long nothing was said before a conversation is looked at."""
    content: int = 4
    """From so many stars on the visitor's own word decides."""
    discontent: int = 2
    """Up to so many stars it decides as well."""
    channels: tuple[str, ...] = ("widget", "api")

    def applies(self, conversation: ConversationRead, last: TurnRead | None, as_of: datetime) -> bool:
        """Whether it can be said at `as_of` if the conversation, whose last turn is `last`, is resolved."""
        return conversation.channel in self.channels and last is not None and last.completed_at + self.quiet <= as_of

    def holds(self, conversation: ConversationRead, last: TurnRead | None, as_of: datetime) -> bool:
        """Whether the conversation, whose last turn is `last`, is resolved at `as_of`."""
        if last is None or not self.applies(conversation, last, as_of):
            return False
        hand_off = conversation.hand_off
        if hand_off is not None and hand_off.state != "done":
            return False
        if conversation.rating is not None and conversation.rating >= self.content:
            return True
        if conversation.rating is not None and conversation.rating <= self.discontent:
            return False
        answered = last.outcome == "completed" and last.feedback != "down"
        return answered and ("hand_off" not in last.actions or hand_off is not None)

    @property
    def otherwise(self) -> str:
        """What counts as unresolved, in words."""
        return (
            "Conversations that were looked at for the first time in the span and are not resolved. Each counts once; one "
            "that becomes resolved later counts as resolved besides."
        )

    @property
    def text(self) -> str:
        """The same in words."""
        hours = self.quiet // timedelta(hours=1)
        return (
            f"Conversations that became resolved in the span. One is resolved when, in the channels "
            f"{' and '.join(self.channels)}, nothing was said for {hours} hours, nobody waits for a person (a hand-off is "
            f"done, or there was none), and either the visitor rated it with {self.content} stars or more, or, unless it "
            f"was {self.discontent} or fewer, the last answer is complete, has no thumb down, and did not offer a person "
            f"whom nobody asked for. Looked at once a day, and again after a change; each counts once, at that time, and "
            f"stays resolved."
        )

    def again(self, conversation: Mapping[str, Any], now: datetime) -> dict[tuple[str, ...], Any]:
        """The fields that make the next sweep look at a conversation again whose state has changed; often none."""
        if conversation.get("resolved") or conversation.get("quiet_at") is not None:
            return {}
        return {("quiet_at",): now}


RULE = Resolution()
