"""JSON Schema becomes OpenAPI 3.0."""

from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field

from functions.shared.http import schema


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"const": "a", "type": "string"}, {"enum": ["a"], "type": "string"}),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, {"type": "string", "nullable": True}),
        (
            {"anyOf": [{"$ref": "#/components/schemas/A"}, {"type": "null"}], "default": None},
            {"default": None, "nullable": True, "allOf": [{"$ref": "#/components/schemas/A"}]},
        ),
        (
            {"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "null"}]},
            {"anyOf": [{"type": "string"}, {"type": "integer"}], "nullable": True},
        ),
        ({"type": "number", "exclusiveMinimum": 0}, {"type": "number", "minimum": 0, "exclusiveMinimum": True}),
        (
            {"type": "array", "prefixItems": [{"type": "string"}]},
            {"type": "array", "items": {"anyOf": [{"type": "string"}]}},
        ),
        ({"type": "string", "examples": ["a", "b"]}, {"type": "string", "example": "a"}),
        (
            {"type": "object", "additionalProperties": {"const": 1}},
            {"type": "object", "additionalProperties": {"enum": [1]}},
        ),
        ({"enum": ["a"], "type": "string", "x": 1, "patternProperties": {}}, {"enum": ["a"], "type": "string"}),
        (True, {}),
    ],
)
def test_words_that_3_0_does_not_know_are_said_in_its_own(given: Any, wanted: Any) -> None:
    assert schema.converted(given) == wanted


def test_a_nullable_choice_lists_null() -> None:
    class Choice(BaseModel):
        kind: Literal["a", "b"] | None = None

    properties, required, _ = schema.inline(Choice)
    assert properties["kind"]["enum"] == ["a", "b", None]
    assert properties["kind"]["nullable"] is True
    assert required == frozenset()


def test_a_model_that_contains_itself_is_a_reference() -> None:
    class Tree(BaseModel):
        children: list["Tree"] = Field(default_factory=list)

    references, schemas = schema.components([(Tree, "serialization")])
    assert references[Tree, "serialization"] == {"$ref": "#/components/schemas/Tree"}
    assert schemas["Tree"]["properties"]["children"]["items"] == {"$ref": "#/components/schemas/Tree"}
