"""The words of each mail: what happened, what a visitor wrote, and what to do now."""

import html
from collections.abc import Mapping
from typing import Any

from functions.dashboard import invitation_links
from functions.dashboard.mail import Letter
from functions.dashboard.notices import Notice
from functions.shared.config import settings
from functions.shared.contracts import WorkspaceRead

_LONGEST_NAME = 60

_HIDDEN = dict.fromkeys([*range(9), *range(0x0E, 0x1C), 0x7F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)])
"""Characters that show nothing, or turn around how the rest of a line is read: a name has no use for them."""

_FIELDS = (
    ("invoice_number", "Invoice"),
    ("period", "Month"),
    ("month", "Month"),
    ("due", "To be paid"),
    ("due_at", "Due"),
    ("method", "Paid by"),
    ("agent_name", "Agent"),
    ("share_percent", "Share of the cap, %"),
    ("cap", "Cap"),
    ("spent", "Charge so far"),
    ("errors", "Failed turns"),
    ("turns", "Turns"),
    ("name", "Name"),
    ("email", "E-mail"),
    ("phone", "Phone"),
    ("conversation_id", "Conversation"),
)
"""What is shown of a notice, in this order, and what it is called."""


def of(notice: Notice, home: WorkspaceRead) -> Letter:
    """The mail about a notice, in English. What was erased meanwhile is said to be erased."""
    data = notice.data
    subject, opening, advice = _words(notice)
    known = {**data, **(data.get("lead") or {})}
    facts = [f"{label}: {_one_line(known[name])}" for name, label in _FIELDS if known.get(name) not in (None, "")]
    if "amount" in data:
        facts.insert(0, f"Amount: {_money(data)}")
    quote = _quote(data)
    footer = (
        f"You get this mail because your address is among those that {home.name} wants told. "
        "An admin of the workspace can change that in its settings."
    )
    text = "\n\n".join(
        part
        for part in (
            opening,
            "\n".join(facts),
            "\n".join(f"> {line}" for line in quote.splitlines()),
            advice,
            f"-- \n{footer}\n{settings().public_url}\n",
        )
        if part
    )
    return Letter(f"[{_short(home.name)}] {subject}", text, _html(subject, opening, facts, quote, advice, footer))


def invitation(invited: invitation_links.Letter) -> Letter:
    """The mail to somebody who is invited, and who may know nothing of us."""
    workspace, inviter = _short(invited.workspace), _short(invited.inviter)
    subject = f"{inviter} invites you to {workspace}"
    opening = f"{inviter} invites you to join {workspace} on AgentHub, as {invited.role}."
    advice = f"Accept with this link, signed in with this address: {invited.link}"
    facts = [f"Until: {invited.expires_at:%Y-%m-%d %H:%M} UTC"]
    footer = "If you expected no invitation, do nothing: without you it ends by itself."
    text = "\n\n".join((opening, *facts, advice, f"-- \n{footer}\n"))
    return Letter(subject, text, _html(subject, opening, facts, "", advice, footer))


def _words(notice: Notice) -> tuple[str, str, str]:
    """Subject, opening sentence, and what to do."""
    data = notice.data
    agent = _short(str(data.get("agent_name") or "your agent"))
    number = str(data.get("invoice_number") or "")
    match notice.type:
        case "hand_off.requested":
            opening = f"A visitor who talks to {agent} asks for a person."
            return f"A visitor asks for a person ({agent})", opening, "Open Hand-offs in the console and take it."
        case "lead.created":
            who = _short(str((data.get("lead") or {}).get("name") or "a visitor"))
            opening = f"{who} left contact details with {agent}."
            return f"New lead: {who}", opening, "Open Leads in the console; what they agreed to stands there."
        case "cap.alert" if data.get("refused") in ("hour", "day"):
            span = data["refused"]
            opening = (
                f"Visitors have used what they may of your cap in this {span}; until it ends they are asked to wait."
            )
            advice = (
                f"Each {span} has its share of the cap, so that a flood cannot use up all of it. A higher cap is more."
            )
            return f"Visitors have used their share of this {span}", opening, f"{advice} You raise it under Billing."
        case "cap.alert" if data.get("refused"):
            whose = {"trial": "what a workspace may spend before its first payment", "agent": "the cap of an agent"}
            spent = whose.get(str(data["refused"]), "your cap of this month")
            opening = f"What was used has reached {spent}, so questions of visitors are refused now."
            advice = "Pay an invoice or buy credit" if data["refused"] == "trial" else "Raise it"
            return "Your agents have stopped answering", opening, f"{advice} under Billing, and they go on at once."
        case "cap.alert":
            opening = "What your agents have used comes close to your cap of this month, or has reached it."
            advice = (
                "At the cap your agents stop answering until next month. Raise it under Billing if they should go on."
            )
            return "You are near your cap", opening, advice
        case "invoice.issued":
            opening = f"Your invoice {number} is there."
            return (
                f"Invoice {number}: {_money(data)}",
                opening,
                "Open Billing in the console for its lines and the PDF.",
            )
        case "invoice.overdue":
            return _overdue(str(data.get("template")), number)
        case "payment.received":
            return f"Payment received: {_money(data)}", "Thank you. We have received your payment.", ""
        case "payment.refunded":
            advice = "It takes some days until your bank shows it. Billing in the console says what is due now."
            return f"Refund: {_money(data)}", "A payment of yours was given back, in whole or in part.", advice
        case "agent.failing":
            opening = f"Turns with {agent} fail more often than they should."
            advice = "Look at the latest conversations and at the service status in the console."
            return f"{agent} is failing", opening, advice
        case "member.invited":
            role = str(data.get("role") or "member")
            advice = "If you did not expect this, take the invitation back under Members in the console."
            return "A person was invited", f"Somebody was invited to your workspace, with the role {role}.", advice
        case other:
            return other, f"Something happened that you wanted to hear of: {other}.", ""


def _overdue(template: str, number: str) -> tuple[str, str, str]:
    """The words of a step of dunning (billing's dunning.yaml names the templates)."""
    advice = "Please pay it and name the invoice number. If you just have, there is nothing to do."
    match template:
        case "second_reminder":
            return f"Invoice {number} is still open", f"We have reminded you of invoice {number} before.", advice
        case "last_warning":
            opening = f"Your invoice {number} has been overdue for some time; this is the last reminder."
            return f"Last reminder: invoice {number}", opening, f"{advice} Your agents may be stopped otherwise."
        case "suspended":
            opening = f"Your invoice {number} was not paid, so your agents have stopped answering. Nothing is deleted."
            return f"Suspended: invoice {number} was not paid", opening, f"{advice} Once it is paid, they answer again."
        case _:
            opening = f"Your invoice {number} should have been paid by now."
            return f"Invoice {number} is overdue", opening, advice


def _money(data: Mapping[str, Any]) -> str:
    return f"{data.get('amount', '')} {data.get('currency', '')}".strip()


def _quote(data: Mapping[str, Any]) -> str:
    """What the visitor wrote; it is shown as theirs."""
    if data.get("erased"):
        return "What the visitor wrote has been erased."
    return str((data.get("hand_off") or {}).get("note") or (data.get("lead") or {}).get("message") or "")


def _one_line(value: object) -> str:
    return " ".join(str(value).translate(_HIDDEN).split())


def _short(text: str) -> str:
    line = _one_line(text)
    return line if len(line) <= _LONGEST_NAME else line[: _LONGEST_NAME - 1] + "…"


def _html(subject: str, opening: str, facts: list[str], quote: str, advice: str, footer: str) -> str:
    parts = [f"<p>{html.escape(opening)}</p>"]
    if facts:
        parts.append("<p>" + "<br>".join(html.escape(fact) for fact in facts) + "</p>")
    if quote:
        lines = "<br>".join(html.escape(line) for line in quote.splitlines())
        parts.append(f'<blockquote style="border-left:3px solid #ccc;margin:0;padding-left:12px">{lines}</blockquote>')
    if advice:
        parts.append(f"<p>{html.escape(advice)}</p>")
    link = html.escape(settings().public_url)
    parts.append(f'<p style="color:#666;font-size:13px">{html.escape(footer)}<br><a href="{link}">{link}</a></p>')
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{html.escape(subject)}</title></head>'
        f'<body style="font-family:sans-serif;max-width:560px">{"".join(parts)}</body></html>\n'
    )
