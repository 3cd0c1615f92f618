"""What other rooms show of a workspace, asked over their API on behalf of who wants the export: whole files, and lists.

What is asked for is what that person may see there, in the shape in which the API has it, and no secret.
"""

import base64
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from functions.analytics.export_formats import Column, Row
from functions.analytics.export_sources import Cursor, Page, Source, Span, columns_of
from functions.shared import calls, contracts, storage
from functions.shared.config import settings
from functions.shared.http import Call

FILES = columns_of(file="text", text="text", base64="text")
"""Rows that are whole files: their path in the ZIP, and their content in one of the other two."""

OF_AN_AGENT = {"knowledge": "?page_size=20", "versions": "?page_size=20", "checks/runs": ""}
"""Lists below an agent of which each thing is a file of its own, with how a page is asked for; runs have one page."""

SINGLE = (
    ("dashboard-api", "/api/workspace", "settings/workspace.json"),
    ("billing-api", "/api/billing/plan", "billing/plan.json"),
    ("billing-api", "/api/billing/budgets", "billing/budgets.json"),
    ("billing-api", "/api/billing/profile", "billing/profile.json"),
    ("billing-api", "/api/billing/credits", "billing/credits.json"),
)
"""What there is once: who shows it, and its file. What it has by pages is in a table."""
IN_ONE_FILE = (
    ("dashboard-api", "/api/workspace/members", "members/members.json"),
    ("dashboard-api", "/api/webhooks", "webhooks/webhooks.json"),
)
"""Lists that are short enough for a file: who shows them, and the file of their items."""

DELIVERIES = columns_of(
    webhook_id="text", id="text", type="text", state="text", attempts="json", reason="text", next_attempt_at="text",
    created_at="text", delivered_at="text",
)  # fmt: skip
CREDIT_MOVEMENTS = columns_of(
    id="text", kind="text", amount="json", at="text", grant_id="text", invoice_id="text", source="text"
)


@dataclass(frozen=True)
class Asked:
    """Other rooms, asked with a call that is made anew each time."""

    call: Callable[[], Call]

    def names(self, deployment: str, path: str) -> list[str]:
        """The ids of a list, in their own order: a run that goes on later finds its place in it."""
        return sorted(str(one["id"]) for one in self.listed(deployment, path))

    def listed(self, deployment: str, path: str) -> Iterator[Any]:
        """Everything in a list, page after page."""
        token: str | None = ""
        while token is not None:
            page = self.get(deployment, f"{path}?page_size=100" + _next(token))
            yield from page["items"]
            token = page["next_page_token"]

    def found(self, deployment: str, path: str) -> Any:
        """As `get`, None for what has been deleted since it was listed."""
        try:
            return self.get(deployment, path)
        except calls.Refused as refused:
            if refused.status != 404:
                raise
            return None

    def get(self, deployment: str, path: str) -> Any:
        """The answer's JSON."""
        return calls.call(self.call(), deployment, "GET", path, timeout=30).body


def _next(token: str) -> str:
    return f"&page_token={token}" if token else ""


@dataclass(frozen=True)
class Files:
    """What is a file each. A cursor names the last thing given: step, id, and what of it comes next (None: nothing)."""

    asked: Asked
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

    def _settings(self, after: str, rest: list[str] | None) -> Iterator[tuple[list[Row], str, list[str] | None]]:
        if after:
            return
        rows = []
        for deployment, path, file in SINGLE:
            shown = self.asked.get(deployment, path)
            paged = ("movements", "next_page_token")
            rows.append(_json(file, {key: shown[key] for key in shown if key not in paged}))
        rows += [_json(file, list(self.asked.listed(deployment, path))) for deployment, path, file in IN_ONE_FILE]
        yield rows, "done", None

    def _agents(self, after: str, rest: list[str] | None) -> Iterator[tuple[list[Row], str, list[str] | None]]:
        for agent in self.asked.names("agents-api", "/api/agents"):
            if agent > after:
                rows, place = self._agent(agent), [next(iter(OF_AN_AGENT)), ""]
                yield rows, agent, place
            elif agent == after and rest is not None:
                place = rest
            else:
                continue
            yield from ((rows, agent, left) for rows, left in self._below(agent, *place))

    def _agent(self, agent: str) -> list[Row]:
        """The agent itself, as YAML and as it is shown, and its test cases."""
        body = {"agents": [agent]}
        found = calls.call(self.asked.call(), "agents-api", "POST", "/api/agents/export", body, timeout=60).body
        rows = [{"file": f"agents/{one['id']}/agent.yaml", "text": one["yaml"]} for one in found["items"]]
        for path, file in (("", "agent.json"), ("/checks", "checks/cases.json")):
            shown = self.asked.found("agents-api", f"/api/agents/{agent}{path}")
            rows += [] if shown is None else [_json(f"agents/{agent}/{file}", shown)]
        return rows

    def _below(self, agent: str, first: str, token: str | None) -> Iterator[tuple[list[Row], list[str] | None]]:
        """From a page of one of OF_AN_AGENT on: what is on each page, and which comes after it."""
        lists = list(OF_AN_AGENT)[[*OF_AN_AGENT].index(first) :]
        for place, following in zip(lists, [*lists[1:], None], strict=True):
            while token is not None:
                home = f"/api/agents/{agent}/{place}"
                page = self.asked.found("agents-api", home + OF_AN_AGENT[place] + _next(token)) or {"items": []}
                token = page.get("next_page_token")
                items = {item["id"]: self.asked.found("agents-api", f"{home}/{item['id']}") for item in page["items"]}
                rows = [_json(f"agents/{agent}/{place}/{name}.json", item) for name, item in items.items() if item]
                yield rows, [place, token] if token else [following, ""] if following else None
            token = ""

    def _widgets(self, after: str, rest: list[str] | None) -> Iterator[tuple[list[Row], str, list[str] | None]]:
        for widget in self.asked.names("widgets-api", "/api/widgets"):
            if widget > after:
                shown = self.asked.found("widgets-api", f"/api/widgets/{widget}")
                yield [] if shown is None else [_json(f"widgets/{widget}.json", shown)], widget, None

    def _invoices(self, after: str, rest: list[str] | None) -> Iterator[tuple[list[Row], str, list[str] | None]]:
        for invoice in self.asked.names("billing-api", "/api/invoices"):
            if invoice <= after:
                continue
            home = f"/api/invoices/{invoice}"
            rows = [_json(f"invoices/{invoice}.json", self.asked.get("billing-api", home))]
            rows += self._filed("invoices/filed", invoice, contracts.filed_invoice, "json", "pdf")
            evidence = self._filed("invoices/evidence", invoice, contracts.filed_evidence, "json", "unsigned.json")
            # What is signed says the same and more.
            rows += evidence[:1]
            for note in self.asked.get("billing-api", f"{home}/credit-notes")["items"]:
                rows.append(_json(f"credit_notes/{note['id']}.json", note))
                rows += self._filed("credit_notes/filed", note["id"], contracts.filed_credit_note, "json", "pdf")
            yield rows, invoice, None

    def _filed(self, folder: str, name: str, place: Callable[..., str], *endings: str) -> list[Row]:
        """What the archive has of it, byte for byte."""
        rows = []
        for ending in endings:
            filed = storage.read(settings().archive_bucket, place(self.span.workspace, name, ending))
            if filed is not None:
                rows.append({"file": f"{folder}/{name}.{ending}", "base64": base64.b64encode(filed).decode()})
        return rows


def _json(file: str, content: Any) -> Row:
    return {"file": file, "text": json.dumps(content, ensure_ascii=False, indent=2) + "\n"}


@dataclass(frozen=True)
class Lists:
    """Rows of lists that one room shows by pages, the newest first. A cursor is a list and its next page (None: done)."""

    asked: Asked
    deployment: str
    homes: Callable[[], Sequence[str]]
    items: str
    columns: Sequence[Column]

    def expected(self) -> int | None:
        return None

    def pages(self, cursor: Cursor | None) -> Iterator[Page]:
        begun, token = cursor or ["", None]
        for home in sorted(self.homes()):
            if home < begun:
                continue
            token = token if home == begun else ""
            while token is not None:
                page = self.asked.found(self.deployment, f"{home}?page_size=100{_next(token)}") or {self.items: []}
                token = page.get("next_page_token")
                begun = home
                yield Page(self.columns, page[self.items], [home, token])
        yield Page(self.columns, [], [begun, None])


def deliveries(asked: Asked) -> Source:
    """What was sent to the webhooks, without contents."""

    def homes() -> list[str]:
        return [f"/api/webhooks/{hook}/deliveries" for hook in asked.names("dashboard-api", "/api/webhooks")]

    return Lists(asked, "dashboard-api", homes, "items", DELIVERIES)


def credit_movements(asked: Asked) -> Source:
    """What has moved the prepaid credit."""
    return Lists(asked, "billing-api", lambda: ["/api/billing/credits"], "movements", CREDIT_MOVEMENTS)
