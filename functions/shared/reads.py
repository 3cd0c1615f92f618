"""The base of what one folder may read of another's documents (contracts.py, counters.py)."""

from pydantic import BaseModel, ConfigDict


class Read(BaseModel):
    """A frozen view of another folder's document; unknown fields are the owner's business.

    An error names the field and not its value: that may be what a visitor said, and errors are logged.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True, hide_input_in_errors=True)
