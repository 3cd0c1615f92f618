"""The whole workspace: what other rooms show of it, asked on behalf of who wants the export, beside every table, in one ZIP.

Other rooms are asked over their API, so that what is in the file is what that person may see there, and no secret.
"""

import base64
import hashlib
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import IO, Any

from functions.analytics import export_figures, export_sources
from functions.analytics.export_formats import Column, Row
from functions.analytics.export_models import Part, StoredExport
from functions.analytics.export_sources import Cursor, Page, Source, Span
from functions.shared import calls, clock, contracts, storage
from functions.shared.config import settings
from functions.shared.http import Call

FILES = [Column("file", "text"), Column("text", "text"), Column("base64", "text")]
"""Rows that are whole files: their path in the ZIP, and their content in one of the other two."""

KNOWLEDGE_PAGE = 20
CLAIMS_LIVE = timedelta(minutes=5)

TABLES: Mapping[str, Callable[[Span], Source]] = {
    "usage_events": export_sources.usage_events,
    "conversation_events": export_sources.conversation_events,
    "conversations": export_sources.conversations,
    "transcripts": export_sources.transcripts,
    "stats": export_figures.stats,
    "performance": export_figures.performance,
    "industries": export_figures.industries,
    "audit_log": export_sources.audit_log,
    "ledger": export_sources.ledger,
    "invoice_lines": export_sources.invoice_lines,
    "payments": export_sources.payments,
}
"""Kind → where its rows come from. In the ZIP each is a folder with one file of JSON Lines."""

README = """This is everything that AgentHub keeps for your workspace, as of {created}.

agents/            each agent's draft as YAML, and what it knows
widgets/           each widget's settings
settings/          the workspace
members/           who belongs to it
invoices/          each invoice as JSON, final ones also as they were filed (JSON and PDF)
{tables}
Tables are JSON Lines: one object a line, UTF-8. Times are RFC 3339 in UTC. Amounts that end in _nanos are whole billionths
of the currency unit, those that end in _minor whole cents. `digest` of a usage event is the SHA-256 of its canonical JSON.
manifest.json lists every file with its rows, bytes and SHA-256. Secrets (of API keys, webhooks, widgets) are not in here.
"""


def on_behalf(call: Call, export: StoredExport) -> Call:
    """The call with which other rooms are asked for this export: by whoever wanted it, for a few minutes."""
    claims = {**export.claims, "exp": int((clock.now() + CLAIMS_LIVE).timestamp())}
    return replace(call, principal=replace(call.principal, claims=claims))


@dataclass(frozen=True)
class Files:
    """Agents, widgets, settings, members and invoices as files. A cursor names the last thing given: step, id, rest."""

    call: Callable[[], Call]
    span: Span

    def expected(self) -> int | None:
        return None

    def pages(self, cursor: Cursor | None) -> Iterator[Page]:
        step, after, rest = cursor or [0, "", None]
        steps = (self._settings, self._agents, self._widgets, self._invoices)
        for number, pages in enumerate(steps):
            if number >= step:
                for rows, name, left in pages(*((after, rest) if number == step else ("", None))):
                    yield Page(FILES, rows, [number, name, left])
        yield Page(FILES, [], [len(steps), "", None])

    def _settings(self, after: str, rest: str | None) -> Iterator[tuple[list[Row], str, str | None]]:
        if after:
            return
        home = self._get("dashboard-api", "/api/workspace")
        members = list(self._listed("dashboard-api", "/api/workspace/members"))
        yield [_json("settings/workspace.json", home), _json("members/members.json", members)], "done", None

    def _agents(self, after: str, rest: str | None) -> Iterator[tuple[list[Row], str, str | None]]:
        for agent in self._names("agents-api", "/api/agents"):
            if agent < after or (agent == after and rest is None):
                continue
            token = rest if agent == after else ""
            if not token:
                body = {"agents": [agent]}
                found = calls.call(self.call(), "agents-api", "POST", "/api/agents/export", body, timeout=60).body
                rows = [_text(f"agents/{one['id']}/agent.yaml", one["yaml"]) for one in found["items"]]
                yield rows, agent, token
            while token is not None:
                at = f"&page_token={token}" if token else ""
                home = f"/api/agents/{agent}/knowledge"
                page = self._found("agents-api", f"{home}?page_size={KNOWLEDGE_PAGE}{at}") or {"items": []}
                token = page.get("next_page_token")
                items = {item["id"]: self._found("agents-api", f"{home}/{item['id']}") for item in page["items"]}
                rows = [
                    _json(f"agents/{agent}/knowledge/{name}.json", item)
                    for name, item in items.items()
                    if item is not None
                ]
                yield rows, agent, token

    def _widgets(self, after: str, rest: str | None) -> Iterator[tuple[list[Row], str, str | None]]:
        for widget in self._names("widgets-api", "/api/widgets"):
            if widget > after:
                shown = self._found("widgets-api", f"/api/widgets/{widget}")
                yield [] if shown is None else [_json(f"widgets/{widget}.json", shown)], widget, None

    def _invoices(self, after: str, rest: str | None) -> Iterator[tuple[list[Row], str, str | None]]:
        for invoice in self._names("billing-api", "/api/invoices"):
            if invoice <= after:
                continue
            rows = [_json(f"invoices/{invoice}.json", self._get("billing-api", f"/api/invoices/{invoice}"))]
            for ending, name in (("json", f"invoices/filed/{invoice}.json"), ("pdf", f"invoices/filed/{invoice}.pdf")):
                place = contracts.filed_invoice(self.span.workspace, invoice, "json" if ending == "json" else "pdf")
                filed = storage.read(settings().archive_bucket, place)
                if filed is not None:
                    rows.append({"file": name, "base64": base64.b64encode(filed).decode()})
            yield rows, invoice, None

    def _names(self, deployment: str, path: str) -> list[str]:
        """The ids of a list, in their own order: a run that goes on later finds its place in it."""
        return sorted(str(one["id"]) for one in self._listed(deployment, path))

    def _listed(self, deployment: str, path: str) -> Iterator[Any]:
        """Everything in a list, page after page."""
        token: str | None = ""
        while token is not None:
            page = self._get(deployment, f"{path}?page_size=100" + (f"&page_token={token}" if token else ""))
            yield from page["items"]
            token = page["next_page_token"]

    def _found(self, deployment: str, path: str) -> Any:
        """As `_get`, None for what has been deleted since it was listed."""
        try:
            return self._get(deployment, path)
        except calls.Refused as refused:
            if refused.status != 404:
                raise
            return None

    def _get(self, deployment: str, path: str) -> Any:
        return calls.call(self.call(), deployment, "GET", path, timeout=30).body


def _json(file: str, content: Any) -> Row:
    return {"file": file, "text": json.dumps(content, ensure_ascii=False, indent=2) + "\n"}


def _text(file: str, content: str) -> Row:
    return {"file": file, "text": content}


def write_zip(
    export: StoredExport,
    sections: Sequence[str],
    read: Callable[[Part], bytes],
    file: IO[bytes],
) -> None:
    """Put the parts together as one ZIP, of which no more than a part is in memory.

    `sections` are names of TABLES and "" for files; `read` gives a part's content and may say in between that the job
    still lives.
    """
    parts: dict[int, list[Part]] = {}
    for part in export.parts:
        parts.setdefault(part.section, []).append(part)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        out = _Archive(archive, export)
        for number, name in enumerate(sections):
            if name:
                contents = (read(part) for part in parts.get(number, []))
                out.add(f"{name}/{name}.jsonl", contents, sum(part.rows for part in parts.get(number, [])))
                continue
            for part in parts.get(number, []):
                for line in read(part).splitlines():
                    row = json.loads(line)
                    content = base64.b64decode(row["base64"]) if row["text"] is None else row["text"].encode()
                    out.add(row["file"], [content], None)
        tables = "".join(f"{name + '/':<19}{name}.jsonl\n" for name in sections if name)
        text = README.format(created=clock.to_text(export.created_at), tables=tables)
        out.add("README.txt", [text.encode()], None)
        manifest = {"kind": "workspace", "created_at": clock.to_text(export.created_at), "files": out.files}
        out.add("manifest.json", [json.dumps(manifest, indent=2).encode() + b"\n"], None)


class _Archive:
    """Entries of the ZIP, each noted for the manifest with its size and digest."""

    def __init__(self, archive: zipfile.ZipFile, export: StoredExport) -> None:
        self._archive = archive
        self._date = export.created_at.timetuple()[:6]
        self.files: list[dict[str, Any]] = []

    def add(self, path: str, contents: Any, rows: int | None) -> None:
        entry = zipfile.ZipInfo(path, self._date)
        entry.compress_type = zipfile.ZIP_DEFLATED
        digest, size = hashlib.sha256(), 0
        with self._archive.open(entry, "w", force_zip64=True) as out:
            for content in contents:
                out.write(content)
                digest.update(content)
                size += len(content)
        noted = {"path": path, "bytes": size, "sha256": digest.hexdigest()}
        self.files.append(noted if rows is None else {**noted, "rows": rows})
