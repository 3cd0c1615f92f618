"""What an export is: as it is asked for, as it is shown, and as it is stored while the job works on it."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from functions.shared.http import Answer, Body
from functions.shared.identity import Role

Kind = Literal[
    "usage_events",
    "conversation_events",
    "conversations",
    "transcripts",
    "stats",
    "performance",
    "industries",
    "audit_log",
    "ledger",
    "invoice_lines",
    "payments",
    "workspace",
]
Format = Literal["csv", "jsonl", "parquet", "zip"]
State = Literal["queued", "running", "done", "failed"]

NEEDS: dict[Kind, Role] = {"audit_log": Role.ADMIN, "workspace": Role.ADMIN}
"""The role that a kind needs; every other needs Role.MEMBER."""

OF_AN_AGENT: frozenset[Kind] = frozenset(
    {"usage_events", "conversation_events", "conversations", "transcripts", "ledger", "invoice_lines"}
)
"""Kinds whose rows are an agent's, so that those of one agent can be asked for."""

KEPT = timedelta(days=7)
"""How long an export and its file live; the bucket deletes after as many days."""

ENDINGS: dict[Format, tuple[str, str]] = {
    "csv": ("csv", "text/csv; charset=utf-8"),
    "jsonl": ("jsonl", "application/jsonl"),
    "parquet": ("parquet", "application/vnd.apache.parquet"),
    "zip": ("zip", "application/zip"),
}
"""Format → the file's ending and content type."""

Moment = Annotated[AwareDatetime, Field(ge=datetime.fromisoformat("2000-01-01T00:00:00Z"))]


class NewExport(Body):
    """What to export, in which form. Rows of `from` and later, before `to`; without them all there are.

    `workspace` is everything, as one ZIP; every other kind is one table as CSV, JSON Lines or Parquet.
    """

    kind: Kind
    format: Format | None = Field(default=None, description="jsonl without it, for `workspace` zip.")
    from_: Annotated[Moment | None, Field(alias="from")] = None
    to: Moment | None = None
    agent_id: str | None = Field(default=None, max_length=60, description="Only what belongs to this agent.")

    @model_validator(mode="after")
    def _fits(self) -> "NewExport":
        if self.format is not None and (self.kind == "workspace") != (self.format == "zip"):
            raise ValueError("the format of kind workspace is zip, and of no other kind")
        if self.from_ is not None and self.to is not None and self.from_ >= self.to:
            raise ValueError("from must be before to")
        if self.agent_id is not None and self.kind not in OF_AN_AGENT:
            raise ValueError(f"agent_id goes with {', '.join(sorted(OF_AN_AGENT))}")
        return self

    @property
    def chosen(self) -> Format:
        """The format that counts."""
        return self.format or ("zip" if self.kind == "workspace" else "jsonl")


class Export(Answer):
    """An export. While it runs, `rows` of about `rows_expected` are written; when it is done, `url` opens the file.

    The address is made anew each time this is read and works until `url_expires_at`; whoever has it has the file.
    """

    id: str
    kind: Kind
    format: Format
    state: State
    from_: Annotated[datetime | None, Field(serialization_alias="from")]
    to: datetime | None
    agent_id: str | None
    requested_by: str
    rows: int
    rows_expected: int | None
    bytes: int | None
    sha256: str | None
    file_name: str
    error: str | None
    created_at: datetime
    finished_at: datetime | None
    expires_at: datetime
    url: str | None = None
    url_expires_at: datetime | None = None


class Part(BaseModel):
    """An object with some of the rows: those of a section, in the order of the list."""

    model_config = ConfigDict(frozen=True)

    name: str
    section: int
    rows: int


class StoredExport(BaseModel):
    """`workspaces/{workspace}/exports/{export}`.

    The job holds the lease until `lease_until` and writes at each checkpoint how far it is: parts written, section and
    `cursor` (JSON) after which to go on. `tries` counts takings of the lease since the last checkpoint.
    """

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    kind: Kind
    format: Format
    from_: Annotated[datetime | None, Field(alias="from")] = None
    to: datetime | None = None
    agent_id: str | None = None
    requested_by: str
    claims: dict[str, Any] = Field(default_factory=dict, repr=False)
    """Who asked, as the gateway verified it; other functions are asked on their behalf."""
    state: State = "queued"
    lease_until: datetime | None = None
    runs: int = 0
    """How often the lease was taken: it names the parts, so that nobody overwrites another's."""
    tries: int = 0
    section: int = 0
    cursor: str | None = None
    parts: tuple[Part, ...] = ()
    rows: int = 0
    rows_expected: int | None = None
    bytes: int | None = None
    sha256: str | None = None
    object: str | None = None
    error: str | None = None
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None = None
    expire_at: datetime

    @property
    def until(self) -> datetime:
        """The end of the span: what is asked for now does not grow while it is written."""
        return min(self.to, self.created_at) if self.to is not None else self.created_at


def file_name(export: StoredExport) -> str:
    """What a browser saves the file as."""
    return f"{export.kind.replace('_', '-')}-{export.created_at:%Y-%m-%d}.{ENDINGS[export.format][0]}"
