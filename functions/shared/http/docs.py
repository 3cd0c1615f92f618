"""The page behind /docs: the contract as plain HTML, made here, with nothing loaded from anywhere else."""

import json
from html import escape
from typing import Any

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"
_STYLE = """
:root { color-scheme: light dark; --line: #8883; --soft: #8881 }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 2rem 1rem 6rem }
h1 { font-size: 1.6rem } h2 { font-size: 1.1rem; margin-top: 2.5rem }
details { border: 1px solid var(--line); border-radius: .5rem; margin: .5rem 0 }
summary { cursor: pointer; padding: .6rem .8rem; overflow-wrap: anywhere }
details > div { padding: 0 .8rem .8rem }
code, pre { font: .875rem/1.45 ui-monospace, monospace } pre { background: var(--soft); padding: .8rem; overflow: auto }
b { display: inline-block; min-width: 4.2rem } small { opacity: .75 }
table { border-collapse: collapse; width: 100% } td, th { text-align: left; padding: .2rem .6rem .2rem 0 }
"""


def page(contract: dict[str, Any]) -> str:
    """The whole page; every text of the contract is escaped."""
    title = escape(f"{contract['info']['title']} API")
    groups: dict[str, list[str]] = {}
    for path, item in contract["paths"].items():
        for method, operation in item.items():
            if isinstance(operation, dict) and method != "options":
                group = (operation.get("tags") or ["Operations"])[0]
                groups.setdefault(group, []).append(_operation(path, method, operation))
    operations = "".join(f"<h2>{escape(name)}</h2>{''.join(parts)}" for name, parts in sorted(groups.items()))
    schemas = "".join(
        f'<details id="schema-{escape(name)}"><summary><code>{escape(name)}</code></summary>'
        f"<div>{_json(found)}</div></details>"
        for name, found in contract.get("components", {}).get("schemas", {}).items()
    )
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head><body>'
        f"<h1>{title}</h1><p>The same as a file: <a href='openapi.json'>openapi.json</a> (OpenAPI "
        f"{escape(str(contract['openapi']))}).</p>{operations}<h2>Schemas</h2>{schemas}</body></html>"
    )


def _operation(path: str, method: str, operation: dict[str, Any]) -> str:
    callers = [name for alternative in operation.get("security", []) for name in alternative] or ["public"]
    parameters = "".join(
        f"<tr><td><code>{escape(str(p['name']))}</code></td><td>{escape(str(p['in']))}</td>"
        f"<td>{'required' if p.get('required') else 'optional'}</td>"
        f"<td>{escape(str(p.get('description', '')))}</td></tr>"
        for p in operation.get("parameters", [])
    )
    parts = [f"<p>Callers: {escape(', '.join(callers))}</p>"]
    if parameters:
        parts.append(f"<table><tr><th>Parameter<th>In<th><th></tr>{parameters}</table>")
    if "requestBody" in operation:
        parts.append(f"<p>Body</p>{_json(operation['requestBody']['content'])}")
    for status, response in operation["responses"].items():
        if status != "default":
            parts.append(f"<p>Answer {escape(status)}</p>{_json(response.get('content', {}))}")
    return (
        f"<details><summary><b>{escape(method.upper())}</b> <code>{escape(path)}</code> "
        f"<small>{escape(str(operation.get('summary', '')))}</small></summary><div>{''.join(parts)}</div></details>"
    )


def _json(value: Any) -> str:
    return f"<pre>{escape(json.dumps(value, indent=2, ensure_ascii=False))}</pre>"
