"""What the operator says and sees of plans over HTTP: amounts and rates as decimal strings, as in plans.yaml."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, StringConstraints

from functions.billing.api_models import Plan, Text
from functions.shared.http import Answer, Body

Amount = Annotated[str, StringConstraints(pattern=r"^(0|[1-9][0-9]{0,8})(\.[0-9]{1,9})?$")]
Units = Annotated[int, Field(ge=1, le=10**12)]
MeterName = Literal[
    "input_tokens",
    "cached_input_tokens",
    "output_tokens",
    "reasoning_tokens",
    "messages",
    "conversations",
    "resolved_conversations",
]


class NewTier(Body):
    """So much for `per` units, for those up to `up_to`; the last tier has no end."""

    up_to: Units | None = None
    price: Amount
    per: Units = 1


class NewUnitPrice(Body):
    """The price of a meter; with a model, for that model alone. Graduated and volume prices have tiers, the others one
    price, of a package that of a whole one of `per` units."""

    meter: MeterName
    model: Text | None = None
    scheme: Literal["unit", "graduated", "volume", "package"] = "unit"
    price: Amount | None = None
    per: Units | None = None
    tiers: list[NewTier] = Field(default_factory=list, max_length=20)


class NewPlan(Body):
    """A version of a plan. It is never changed; a change is a further version with a later date.

    With `workspace_id` that workspace alone sees it and can choose it.
    """

    plan: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,59}$")]
    plan_version: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{1,79}$")]
    name: Text
    effective_from: AwareDatetime = Field(description="When it can first be chosen: a day from now at the earliest.")
    workspace_id: Annotated[str, StringConstraints(max_length=60)] | None = None
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
    monthly_fee: Amount = "0"
    cost_plus: Amount | None = None
    unit_prices: list[NewUnitPrice] = Field(default_factory=list, max_length=50)
    included: Amount = "0"
    included_units: dict[MeterName, Annotated[int, Field(ge=0, le=10**15)]] = Field(default_factory=dict)
    discount: Amount = Field(default="0", description="A share: 0.1 is 10 %.")
    discount_amount: Amount = Field(default="0", description="Comes off after the share.")
    discount_months: Annotated[int, Field(ge=1, le=120)] | None = None
    minimum: Amount = "0"
    tax_rate: Amount | None = Field(default=None, description="Agreed and above the law's; null: by the countries.")
    reverse_charge: bool = False


class PlanVersion(Answer):
    """A version of a plan, and since when it can be chosen."""

    effective_from: datetime
    source: str = Field(description="shipped: with this installation; published: by the operator.")
    workspace_id: str | None = Field(description="Whose own it is; null: everybody's.")
    published_at: datetime | None
    published_by: str | None
    terms: Plan


class OperatorAct(Answer):
    """What an operator did, to a workspace or to the installation itself."""

    id: str
    at: datetime
    action: str
    actor: str
    actor_name: str
    subject: str
    name: str
    workspace_id: str | None = Field(
        description="The workspace that it was done to or that alone it is for; null: all."
    )
    figures: dict[str, object] = Field(
        description="States, amounts and ids after it, as far as the act has them; amounts in the workspace's currency."
    )


class PlanVersions(Answer):
    """Every version of every plan."""

    versions: list[PlanVersion]
