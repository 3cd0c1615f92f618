"""What a read model says about a document that is not as it was promised."""

import pytest
from pydantic import ValidationError

from functions.shared.contracts import TurnRead


def test_an_error_names_the_field_and_not_what_was_said() -> None:
    with pytest.raises(ValidationError) as found:
        TurnRead.model_validate({"message": "my secret illness", "answer": ["my secret answer"]})
    assert "answer" in str(found.value)
    assert "secret" not in str(found.value)
