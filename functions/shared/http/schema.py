"""Turns pydantic's JSON Schema (2020-12) into OpenAPI 3.0 schemas, which know no null type, no const and no $defs."""

from collections.abc import Iterable
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

Mode = Literal["validation", "serialization"]
_REFERENCE = "#/components/schemas/{model}"
_KEPT = frozenset(
    {
        "title", "description", "type", "format", "enum", "default", "items", "properties", "required",
        "additionalProperties", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength",
        "maxLength", "pattern", "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties", "allOf",
        "anyOf", "oneOf", "not", "$ref", "nullable", "readOnly", "writeOnly", "deprecated", "discriminator", "example",
    }
)  # fmt: skip


def components(models: Iterable[tuple[type[BaseModel], Mode]]) -> tuple[dict[Any, dict[str, Any]], dict[str, Any]]:
    """A reference for each (model, mode), and the named schemas they point to, ready for `components.schemas`.

    Models of the same name in different modules get longer names, so nothing is overwritten.
    """
    wanted = sorted(set(models), key=lambda pair: (pair[0].__module__, pair[0].__qualname__, pair[1]))
    references, whole = models_json_schema(wanted, ref_template=_REFERENCE)
    names = {name: _plain_name(name) for name in whole.get("$defs", {})}
    schemas = {names[name]: converted(schema, names) for name, schema in whole.get("$defs", {}).items()}
    return {pair: converted(schema, names) for pair, schema in references.items()}, schemas


def inline(model: type[BaseModel]) -> tuple[dict[str, dict[str, Any]], frozenset[str], dict[str, Any]]:
    """A flat model's properties, the names of the required ones, and the named schemas they point to."""
    whole = model.model_json_schema(ref_template=_REFERENCE)
    names = {name: _plain_name(name) for name in whole.get("$defs", {})}
    properties = {name: converted(schema, names) for name, schema in whole.get("properties", {}).items()}
    defs = {names[name]: converted(schema, names) for name, schema in whole.get("$defs", {}).items()}
    return properties, frozenset(whole.get("required", ())), defs


def _plain_name(name: str) -> str:
    return "".join(c if c.isalnum() or c in "._-" else "_" for c in name).strip("_")


def converted(schema: Any, names: dict[str, str] | None = None) -> Any:
    """One schema in the words of OpenAPI 3.0; `names` renames the components it points to."""
    names = names or {}
    if isinstance(schema, bool):
        return {} if schema else {"not": {}}
    if not isinstance(schema, dict):
        return schema
    found = dict(schema)
    if isinstance(found.get("default"), dict):
        found["default"] = _filled(found["default"])
    if "$ref" in found:
        return _reference(found, names)
    if "const" in found:
        found["enum"] = [found.pop("const")]
    for word, flag in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if isinstance(found.get(word), int | float) and not isinstance(found.get(word), bool):
            found[flag], found[word] = found[word], True
    if isinstance(found.get("examples"), list) and found["examples"]:
        found["example"] = found["examples"][0]
    if isinstance(found.get("type"), list):
        found["anyOf"] = [{"type": kind} for kind in found.pop("type")]
    if "prefixItems" in found:
        found["items"] = {"anyOf": found.pop("prefixItems")}
    for word in ("anyOf", "oneOf"):
        if word in found:
            found = _without_null(found, word)
    found = {key: value for key, value in found.items() if key in _KEPT}
    if found.get("type") == "null":
        return {**{k: v for k, v in found.items() if k != "type"}, "nullable": True, "enum": [None]}
    for word in ("anyOf", "oneOf", "allOf"):
        if word in found:
            found[word] = [converted(part, names) for part in found[word]]
    for word in ("items", "not"):
        if word in found:
            found[word] = converted(found[word], names)
    if "additionalProperties" in found and not isinstance(found["additionalProperties"], bool):
        found["additionalProperties"] = converted(found["additionalProperties"], names)
    if "properties" in found:
        found["properties"] = {name: converted(part, names) for name, part in found["properties"].items()}
    if "discriminator" in found:
        found["discriminator"] = _discriminator(found["discriminator"], names)
    if found.get("type") == "array":
        found.setdefault("items", {})
    if "$ref" in found:
        return _reference(found, names)
    return found


def _filled(default: Any) -> Any:
    """A default without its nulls: they are the defaults of their own fields, and 3.0 takes none for a reference."""
    if isinstance(default, dict):
        return {name: _filled(value) for name, value in default.items() if value is not None}
    return default


def _reference(found: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    """OpenAPI 3.0 ignores what stands beside a $ref, so it goes around it."""
    reference = {"$ref": _renamed(str(found["$ref"]), names)}
    beside = {key: value for key, value in found.items() if key in _KEPT and key != "$ref"}
    return {**beside, "allOf": [reference]} if beside else reference


def _renamed(reference: str, names: dict[str, str]) -> str:
    head, _, name = reference.rpartition("/")
    return f"{head}/{names.get(name, name)}"


def _discriminator(discriminator: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    mapping = {key: _renamed(value, names) for key, value in discriminator.get("mapping", {}).items()}
    return {"propertyName": discriminator["propertyName"], **({"mapping": mapping} if mapping else {})}


def _without_null(found: dict[str, Any], word: str) -> dict[str, Any]:
    parts = [part for part in found[word] if not (isinstance(part, dict) and part.get("type") == "null")]
    if len(parts) == len(found[word]):
        return found
    rest = {key: value for key, value in found.items() if key != word}
    if len(parts) == 1 and isinstance(parts[0], dict):
        only = dict(parts[0])
        if "enum" in only or "const" in only:
            # In OpenAPI 3.0 an enum lists null itself.
            only["enum"] = [*only.pop("enum", [only.pop("const", None)]), None]
        return {**only, **rest, "nullable": True}
    return {**rest, word: parts, "nullable": True}
