"""The whole workspace in one ZIP: what other rooms show of it beside every table, and a README that says what is where.

A contract test asks of every collection whether it is in here (tests/contracts/test_the_export_is_whole.py).
"""

import base64
import hashlib
import json
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import IO, Any

from functions.analytics import export_figures, export_records, export_rooms, export_sources
from functions.analytics.export_models import Part, StoredExport
from functions.analytics.export_rooms import Asked, Files
from functions.analytics.export_sources import Source, Span
from functions.shared import clock
from functions.shared.http import Call

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

RECORDS: Mapping[str, Callable[[Span], Source]] = {
    "conversations": export_sources.whole_conversations,
    "fleet": export_records.fleet,
    "visitors": export_records.visitors,
    "api_keys": export_records.api_keys,
    "invitations": export_records.invitations,
}
"""Tables that are nowhere but in the ZIP, or fuller there: leads with their contact details are."""

LISTS: Mapping[str, Callable[[Asked], Source]] = {
    "deliveries": export_rooms.deliveries,
    "credit_movements": export_rooms.credit_movements,
}
"""Tables of the ZIP whose rows another room shows."""

SAYS: Mapping[str, str] = {
    "usage_events": "each turn with its tokens, price and charge; `digest` is the SHA-256 of its canonical JSON",
    "conversation_events": "feedback, ratings, hand-offs, leads, resolutions, as they came",
    "conversations": "`lead`: who left contact details and agreed to what; `hand_off`: who asked for a person; notes of both",
    "transcripts": "what was said, turn by turn",
    "stats": "usage of each day",
    "performance": "latency, errors, hand-offs and ratings of each day",
    "industries": "the same by industry",
    "audit_log": "who changed what",
    "ledger": "the books, entry by entry",
    "invoice_lines": "lines of invoices and credit notes",
    "payments": "what was paid",
    "fleet": "of each agent: status and how it came to it, tags, note, pin",
    "visitors": "who has been at the widgets, and when last",
    "api_keys": "name, role and scopes of each key, revoked ones too",
    "invitations": "who was invited, those that are over for 30 days",
    "deliveries": "what was sent to webhooks in the last 30 days, without contents",
    "credit_movements": "what has moved the prepaid credit",
}
"""What the README says of each table."""

README = """This is everything that AgentHub keeps for your workspace, as of {created}.

agents/              each agent: its draft as YAML and as JSON, what it knows (knowledge/), every published version with
                     its prompt (versions/), test cases and their latest runs (checks/)
widgets/             each widget's settings
settings/            the workspace: name, time zone, how long what is said is kept, who gets alerts by mail
members/             who belongs to it
webhooks/            where notices are sent
billing/             plan, caps and when they alert, who invoices go to, credit that is left
invoices/            each invoice as JSON, final ones also as they were filed (JSON and PDF)
                     with the evidence of their usage (evidence/)
credit_notes/        credit notes in the same way

Tables are JSON Lines, one file in each folder: one object a line, UTF-8.

{tables}
Times are RFC 3339 in UTC. Amounts that end in _nanos are whole billionths of the currency unit, those that end in _minor
whole cents; {{"amount", "currency"}} is decimal. manifest.json lists every file with its rows, bytes and SHA-256.

Not in here: secrets, of API keys, webhooks, widgets and links of invitations, not even as hashes; agents and widgets that
were deleted (of an agent `fleet` still says when); indexes, counters and marks that are made of the rest.
"""


def on_behalf(call: Call, export: StoredExport) -> Call:
    """The call with which other rooms are asked for this export: by whoever wanted it, for a few minutes."""
    claims = {**export.claims, "exp": int((clock.now() + CLAIMS_LIVE).timestamp())}
    return replace(call, principal=replace(call.principal, claims=claims))


def sections(call: Callable[[], Call], span: Span) -> list[tuple[str, Source]]:
    """What is in the ZIP, in its order: "" for files, every other name is a table in its folder.

    `call` makes the call with which other rooms are asked, anew for each.
    """
    asked = Asked(call)
    tables = {name: source(span) for name, source in {**TABLES, **RECORDS}.items()}
    lists = {name: source(asked) for name, source in LISTS.items()}
    return [("", Files(asked, span)), *tables.items(), *lists.items()]


def write_zip(
    export: StoredExport,
    sections: Sequence[str],
    read: Callable[[Part], bytes],
    file: IO[bytes],
) -> None:
    """Put the parts together as one ZIP, of which no more than a part is in memory.

    `sections` are those of `sections`, by name; `read` gives a part's content and may say in between that the job
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
        tables = "".join(f"{name + '/':<21}{SAYS[name]}\n" for name in sections if name)
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
