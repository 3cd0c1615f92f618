"""What evidence looks like over HTTP: the signed manifest as it was filed, the public keys, what a check found.

A manifest is signed as it is, so here amounts are integers, in 10⁻⁹ of the currency (`_nanos`) or its smallest coin
(`_minor`), and times are text.
"""

from datetime import datetime

from pydantic import Field

from functions.billing.api_models import Quantities
from functions.shared.http import Answer
from functions.shared.money import Money


class Sums(Answer):
    """So many events with what they cost and charged; the digest names each of them."""

    count: int
    cost_nanos: int
    charge_nanos: int
    digest: str


class EvidenceDay(Sums):
    """A UTC day with its hours, `2026-11-25T13`."""

    hours: dict[str, Sums]


class EvidenceMonth(Sums):
    """A UTC month with its days."""

    days: dict[str, EvidenceDay]


class EvidenceUsage(Quantities, Sums):
    """Sums with what was counted."""


class EvidenceLine(Answer):
    """A line of the invoice; `usage` where events stand under it."""

    line_id: str
    kind: str
    usage_period: str
    agent_id: str | None
    model: str | None
    price_version: str | None
    description: str
    amount_nanos: int
    amount_minor: int
    tax_minor: int
    usage: EvidenceUsage | None
    leaves: list[str] | None = Field(
        description="For late usage: the leaf of each event, since other events of that month are on another invoice."
    )


class Evidence(Answer):
    """The manifest of an invoice. A leaf is the SHA-256 of an event's canonical JSON, a node the SHA-256 of its sorted
    children, each with a line feed; an hour is the node of its leaves, a day of its hours, a month of its days."""

    format: str
    workspace_id: str
    invoice_id: str
    number: str
    period: str
    currency: str
    plan: str
    plan_version: str
    issued_at: str
    net_minor: int
    tax_minor: int
    total_minor: int
    rounding_nanos: int
    invoice_digest: str = Field(description="As printed on the invoice.")
    recorded_before: str = Field(
        description="Events of the month that were recorded before this are on the invoice, but for `without`."
    )
    without: list[str] = Field(description="Leaves of such events that are on another invoice all the same.")
    usage: EvidenceUsage
    price_versions: list[str]
    plan_versions: list[str]
    months: dict[str, EvidenceMonth]
    lines: list[EvidenceLine]
    key_id: str
    signature: str = Field(description="Ed25519 over the canonical JSON of all other members, in base64.")


class EvidenceKey(Answer):
    """A public key that signs evidence or has signed it."""

    id: str = Field(description="SHA-256 of the key's 32 bytes.")
    algorithm: str
    public_key: str = Field(description="The 32 bytes in base64.")
    since: str | None = Field(description="The day from which on it signed; null where nobody has said it.")
    current: bool


class EvidenceKeys(Answer):
    """Every key that ever signed."""

    keys: list[EvidenceKey]


class Difference(Answer):
    """One thing that differs: `where` is signature, invoice, event, month, day, hour or line; `name` says which."""

    where: str
    name: str
    expected: Sums | None = Field(description="What the evidence says; null where it has none.")
    found: Sums | None = Field(description="What the warehouse has; null where it has none.")


class EvidenceCheck(Answer):
    """What recomputing an invoice's evidence from the warehouse came to."""

    verified: bool
    invoice_id: str
    key_id: str
    expected: Sums
    found: Sums
    differences: list[Difference]
    more: int = Field(description="How many more there are than are shown.")
    checked_at: datetime


class BilledEvent(Answer):
    """Where the books have an event: from its turn to the line of an invoice."""

    id: str
    conversation_id: str | None
    occurred_at: datetime
    period: str
    day: str = Field(description="The UTC day on whose close it is booked; a correction's is the day it was known.")
    charge: Money
    digest: str
    state: str = Field(description="unbooked until its day is closed, then booked, then the state of its invoice.")
    entry_id: str | None
    invoice_id: str | None
    invoice_number: str | None
    line_id: str | None
