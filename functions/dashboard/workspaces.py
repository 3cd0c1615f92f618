"""Founding, finding and switching workspaces, and the settings of one."""

import re
from datetime import datetime
from typing import Any

from functions.dashboard import people, repository
from functions.dashboard.models import Currencies, NewWorkspace, Workspace, WorkspaceChange
from functions.shared import activity, contracts, directory, etags, firestore, metering, plans, words
from functions.shared.contracts import BillingRead, SpendRead, WorkspaceRead
from functions.shared.errors import Conflict, Forbidden, Invalid
from functions.shared.http import Call, Items, Page, page_token, page_values
from functions.shared.identity import WorkspaceId
from functions.shared.identity.authenticate import workspace_of_member
from functions.shared.identity.workspace import founded, from_directory


def create(call: Call, new: NewWorkspace) -> tuple[Workspace, str]:
    """Make the person's workspace: entry, workspace, owner and activity in one commit, then the claim.

    Alerts go to the founder's address from the first day on: it is verified, and who sets no other is told too.

    A person founds one workspace: a repeat, with or without a key, finds it and sets the claim again. Raises Forbidden
    until the person's address is verified (MONEY 15), Invalid for a currency in which no plan is published.
    """
    if call.principal.claims.get("email_verified") is not True:
        raise Forbidden("Open the link in the mail that we sent you first.", code="email_not_verified")
    uid = call.principal.subject
    workspace = directory.find(uid, "person")
    if workspace is None:
        _check_published(new.currency, call.now)
        workspace = founded()
        batch = firestore.Batch()
        directory.enter(batch, uid, workspace, "person")
        batch.create(
            contracts.workspace_path(workspace),
            {
                "name": new.name,
                "code": code(new.name),
                "country": new.country,
                "currency": new.currency,
                "time_zone": new.time_zone,
                "alert_emails": [call.principal.email.lower()],
                "state": "active",
                "created_at": call.now,
            },
        )
        batch.create(
            repository.member_path(workspace, uid),
            {
                "uid": uid,
                "role": "owner",
                "email": call.principal.email.lower(),
                "name": call.principal.name,
                "workspace_id": str(workspace),
                "since": call.now,
            },
        )
        activity.record(
            batch,
            workspace,
            call.principal,
            "workspace.created",
            kind="workspace",
            subject=str(workspace),
            name=new.name,
            now=call.now,
        )
        try:
            batch.commit()
        except firestore.AlreadyExists:
            # The same person at the same time: the first one counts.
            first = directory.find(uid, "person")
            assert first is not None
            workspace = first
    people.set_workspace(uid, str(workspace))
    return show(call, workspace)


def show(call: Call, workspace: WorkspaceId) -> tuple[Workspace, str]:
    """A workspace with the caller's role in it, and the etag of both."""
    home, member = repository.read(
        [contracts.workspace_path(workspace), repository.member_path(workspace, call.principal.subject)]
    )
    role = str(call.principal.role or member.data["role"])
    return shown(home, role), etags.showing(home.etag, role)


def mine(call: Call, query: Page) -> Items[Workspace]:
    """A page of the workspaces that the person belongs to, the one made first at the top. Raises Invalid for a token
    that is none."""
    values = page_values(query.page_token, 1)
    try:
        after = None if values is None else from_directory(str(values[0]))
    except ValueError:
        raise Invalid(
            errors=[{"pointer": "/page_token", "message": "This is not a page token of this list."}]
        ) from None
    found = repository.memberships(call.principal.subject, query.page_size + 1, after)
    members = found[: query.page_size]
    workspaces = [from_directory(member.path.split("/")[1]) for member in members]
    homes = repository.read([contracts.workspace_path(workspace) for workspace in workspaces])
    return Items(
        items=[shown(home, member.data["role"]) for home, member in zip(homes, members, strict=True) if home.exists],
        next_page_token=page_token(workspaces[-1]) if len(found) > query.page_size else None,
    )


def switch(call: Call, name: str) -> tuple[Workspace, str]:
    """Set the claim to another of the person's workspaces. Raises NotFound when it is not theirs."""
    workspace, _ = workspace_of_member(call.principal, name)
    people.set_workspace(call.principal.subject, str(workspace))
    return show(call, workspace)


def currencies(now: datetime) -> Currencies:
    """In which a plan can be chosen now, in the order of their codes."""
    return Currencies(currencies=sorted({terms.currency for terms in plans.published_plans(now)}))


def _check_published(currency: str, now: datetime) -> None:
    if currency not in currencies(now).currencies:
        raise Invalid(errors=[{"pointer": "/currency", "message": f"No plan is published in {currency} yet."}])


def change(call: Call, changes: WorkspaceChange) -> tuple[Workspace, str]:
    """Change what is given; what a turn must know of it is copied to the running period in the same commit.

    Raises firestore.Changed when the etag is stale, Invalid for a currency in which no plan is published, Conflict
    (`currency_fixed`) for another one once something was used, agreed or paid.
    """
    wanted = changes.given("retention_days")
    paths = [contracts.workspace_path(call.workspace), metering.spend_path(call.workspace, call.now)]

    def write(batch: firestore.Batch, found: list[firestore.Snapshot]) -> None:
        home, spend = found
        if etags.of_document(call.if_match) not in (None, home.etag):
            raise firestore.Changed(home.path)
        before = {**_settings(home), "name": home.data["name"]}
        fields = {name: value for name, value in wanted.items() if value != before[name]}
        if not fields:
            return
        if "currency" in fields:
            _check_published(fields["currency"], call.now)
            _check_unused(call.workspace)
        write_home(batch, call, home, spend, fields)
        activity.record(
            batch,
            call.workspace,
            call.principal,
            "workspace.changed",
            kind="workspace",
            subject=str(call.workspace),
            name=str(fields.get("name", before["name"])),
            before={name: before[name] for name in fields},
            after=fields,
            now=call.now,
        )

    firestore.compete(paths, repository.read(paths), write)
    return show(call, call.workspace)


def _settings(home: firestore.Snapshot) -> dict[str, Any]:
    known = WorkspaceRead.model_validate(home.data)
    return {
        "time_zone": known.time_zone,
        "currency": known.currency,
        "retention_days": known.retention_days,
        "alert_emails": list(known.alert_emails),
    }


def write_home(
    batch: firestore.Batch, call: Call, home: firestore.Snapshot, spend: firestore.Snapshot, fields: dict[str, Any]
) -> None:
    """Add a change of the workspace's document as it was read, and its copy in the running period, to the batch."""
    batch.update(home.path, {(name,): value for name, value in fields.items()}, if_etag=home.etag)
    standing = {"state", "retention_days", "currency"}
    if standing & fields.keys():
        metering.write_standing(batch, call.workspace, {**home.data, **fields}, spend)


def _check_unused(workspace: WorkspaceId) -> None:
    """A few reads. What is used after them meets the commit: it demands the running period as it was read."""
    account = repository.read([contracts.path(workspace, "billing", "account")])[0]
    agreed = BillingRead.model_validate(account.data)
    used = (SpendRead.model_validate(period.data) for period in repository.periods(workspace))
    if (
        any(period.turns or period.spent_nanos or period.holds for period in used)
        or (
            agreed.plans or agreed.cap_nanos is not None or agreed.agent_caps or agreed.credit_nanos or agreed.paid_once
        )
        or repository.invoices(workspace, 1)
    ):
        raise Conflict("The currency stays once something was used, agreed or paid.", code="currency_fixed")


def code(name: str) -> str:
    """The letters that a workspace's invoice numbers begin with: up to six of its name's, `AH` when it has none."""
    return re.sub(r"[^A-Z0-9]", "", words.folded(name).upper())[:6] or "AH"


def shown(home: firestore.Snapshot, role: str) -> Workspace:
    """A workspace's document as its members see it."""
    known = WorkspaceRead.model_validate(home.data)
    return Workspace(
        id=home.id,
        name=known.name,
        code=known.code,
        country=home.data.get("country"),
        currency=known.currency,
        time_zone=known.time_zone,
        state=known.state,
        retention_days=known.retention_days,
        alert_emails=list(known.alert_emails),
        erase_at=known.erase_at,
        role=role,
        created_at=known.created_at,
    )
