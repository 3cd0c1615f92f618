"""The page behind /docs: the contract as plain HTML, made here, with nothing loaded from anywhere else.

Without its script it is whole; the script only searches it and opens what a link leads to.
"""

import json
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from functions.shared.http.docs_look import POLICY, SCRIPT, STYLE

__all__ = ["POLICY", "page"]

_LIMITS = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "minLength": "characters: {} or more",
    "maxLength": "characters: up to {}",
    "minItems": "items: {} or more",
    "maxItems": "items: up to {}",
    "pattern": "matches {}",
    "default": "if absent: {}",
}
_PREFIX = "#/components/schemas/"


def page(contract: Mapping[str, Any]) -> str:
    """The whole page; every text of the contract is escaped."""
    title = escape(f"{contract['info']['title']} API")
    groups: dict[str, list[str]] = {}
    for path, item in contract["paths"].items():
        for method, operation in item.items():
            if isinstance(operation, dict) and method != "options":
                group = (operation.get("tags") or ["Every deployment"])[0]
                groups.setdefault(group, []).append(_operation(path, method, operation))
    components = contract.get("components", {})
    schemas = [_model(name, found) for name, found in components.get("schemas", {}).items()]
    sections = [_section(name, parts) for name, parts in sorted(groups.items())]
    if not sections:
        sections.append(
            "<p>Nothing here is called from outside: events and schedules alone come to this deployment.</p>"
        )
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head><body>'
        f"<header><div><h1>{title}</h1>"
        # Shown by the script: without it there is no search.
        f'<input type="search" placeholder="Search paths, words, models" aria-label="Search" autocomplete="off" '
        f'spellcheck="false"><output aria-live="polite"></output></div></header><main>'
        f'<p>The same as a file: <a href="openapi.json">openapi.json</a> (OpenAPI {escape(str(contract["openapi"]))}). '
        f"A refusal is <a href='#Problem'>Problem</a> as <code>application/problem+json</code>.</p>"
        f"{_security(components.get('securitySchemes', {}))}{_statuses(components.get('responses', {}))}"
        f"{''.join(sections)}{_section('Models', schemas)}</main>"
        f"<script>{SCRIPT}</script></body></html>"
    )


def _section(name: str, parts: Iterable[str]) -> str:
    inside = "".join(parts)
    return f"<section><h2>{escape(name)}</h2>{inside}</section>" if inside else ""


def _security(schemes: Mapping[str, Any]) -> str:
    listed = "".join(
        f"<div><dt><i>{escape(name)}</i></dt><dd>{escape(str(scheme.get('description', '')))}</dd></div>"
        for name, scheme in schemes.items()
    )
    public = "<div><dt><i>public</i></dt><dd>Nothing to show.</dd></div>"
    return f"<h2>Who calls, and with what in <code>Authorization: Bearer</code></h2><dl class='callers'>{listed}{public}</dl>"


def _statuses(responses: Mapping[str, Any]) -> str:
    """What each status says that stands on several operations."""
    listed = "".join(
        f"<div id='{_anchor(status)}'><dt><i>{escape(status)}</i></dt>"
        f"<dd>{escape(str(response.get('description', '')))}</dd></div>"
        for status, response in responses.items()
    )
    return f"<h2>Statuses beside those of success</h2><dl class='callers'>{listed}</dl>" if listed else ""


def _anchor(status: str) -> str:
    return escape(f"status-{status}")


def _operation(path: str, method: str, operation: Mapping[str, Any]) -> str:
    callers = [name for alternative in operation.get("security", []) for name in alternative] or ["public"]
    summary = str(operation.get("summary", ""))
    parts = [f"<p>{''.join(f'<i>{escape(name)}</i>' for name in callers)}</p>"]
    if operation.get("parameters"):
        rows = (
            _row(
                p["name"],
                p.get("schema", {}),
                required=bool(p.get("required")),
                where=p["in"],
                text=p.get("description"),
            )
            for p in operation["parameters"]
        )
        parts.append(f"<h3>Parameters</h3><dl>{''.join(rows)}</dl>")
    if "requestBody" in operation:
        parts.append(f"<h3>Body</h3>{_contents(operation['requestBody']['content'])}")
    refusals = [status for status, response in operation["responses"].items() if "$ref" in response]
    for status, response in operation["responses"].items():
        if status != "default" and status not in refusals:
            contents = _contents(response.get("content", {})) or "<p>No content.</p>"
            parts.append(f"<h3>Answer {escape(status)}</h3>{contents}")
    if refusals:
        links = ", ".join(f"<a href='#{_anchor(status)}'>{escape(status)}</a>" for status in refusals)
        parts.append(f"<h3>Or</h3><p>{links}</p>")
    search = escape(" ".join((method, path, summary, *callers)).lower())
    return (
        f'<details id="{escape(str(operation.get("operationId", path)))}" data-text="{search}"><summary>'
        f'<b class="{escape(method)}">{escape(method.upper())}</b><code>{escape(path)}</code><span>{escape(summary)}</span>'
        f"</summary><div>{''.join(parts)}</div></details>"
    )


def _contents(contents: Mapping[str, Any]) -> str:
    return "".join(
        f"<p><code>{escape(kind)}</code> {_type(content.get('schema', {}))}</p>" for kind, content in contents.items()
    )


def _model(name: str, schema: Mapping[str, Any]) -> str:
    required = schema.get("required", ())
    rows = [_row(key, found, required=key in required) for key, found in schema.get("properties", {}).items()]
    text = str(schema.get("description", ""))
    inside = f"<dl>{''.join(rows)}</dl>" if rows else f"<p>{_type(schema)}</p>"
    search = escape(f"{name} {text}".lower())
    return (
        f'<details id="{escape(name)}" data-text="{search}"><summary><code>{escape(_short(name))}</code>'
        f"<span>{escape(text.partition(chr(10))[0])}</span></summary><div>{inside}</div></details>"
    )


def _row(name: str, schema: Mapping[str, Any], *, required: bool, where: str = "", text: str | None = None) -> str:
    limits = [form.format(_word(schema[key])) for key, form in _LIMITS.items() if schema.get(key) is not None]
    said = [str(text or schema.get("description", "")), "; ".join(limits)]
    about = " ".join(f"<span>{escape(word)}</span>" for word in (where, "required" if required else "") if word)
    return (
        f"<div><dt><code>{escape(name)}</code> <span>{_type(schema)}</span> {about}</dt>"
        f"<dd>{'. '.join(escape(part.rstrip('.')) for part in said if part)}</dd></div>"
    )


def _type(schema: Mapping[str, Any]) -> str:
    """The type of a schema in words, as HTML with links to the models."""
    if "$ref" in schema:
        name = str(schema["$ref"]).removeprefix(_PREFIX)
        return f'<a href="#{escape(name)}">{escape(_short(name))}</a>'
    if "enum" in schema:
        found = " or ".join(f"<code>{escape(_word(value))}</code>" for value in schema["enum"])
    elif alternatives := schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf"):
        found = " or ".join(_type(one) for one in alternatives)
    elif schema.get("type") == "array":
        found = f"list of {_type(schema.get('items', {}))}"
    elif isinstance(schema.get("additionalProperties"), dict):
        found = f"map to {_type(schema['additionalProperties'])}"
    else:
        found = escape(" ".join(str(schema[key]) for key in ("type", "format") if key in schema) or "anything")
    return f"{found} or null" if schema.get("nullable") else found


def _short(name: str) -> str:
    """A model's name without the module that the contract puts before one of several of a name."""
    return name.rpartition("__")[2]


def _word(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
