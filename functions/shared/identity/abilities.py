"""The one table of what each role may do: ability, least role, routes. Docs show it, and a test holds the routes to it.

A route declares its own least role, since the edge refuses by that alone; a contract test compares every declaration with
this table, and finds routes that are in no row.
"""

from dataclasses import dataclass

from functions.shared.identity.principal import Role


@dataclass(frozen=True, slots=True)
class Ability:
    """Something that a role, and each one above it, may do. `role` None: whoever has signed in, in no workspace yet."""

    name: str
    says: str
    role: Role | None
    routes: tuple[str, ...]
    """`METHOD /path`, as the routes are declared."""


ABILITIES: tuple[Ability, ...] = (
    Ability(
        "begin",
        "Make a workspace of one's own, list and switch one's workspaces, accept an invitation",
        None,
        (
            "GET /api/workspaces",
            "GET /api/currencies",
            "POST /api/workspaces",
            "POST /api/workspaces/{workspace}/switch",
            "GET /api/invitations/{token}/offer",
            "POST /api/invitations/{token}/accept",
        ),
    ),
    Ability(
        "look",
        "See the home page: figures, alerts, who did what, search, status of the service",
        Role.VIEWER,
        (
            "GET /api/dashboard",
            "GET /api/dashboard/summary",
            "GET /api/dashboard/activity",
            "GET /api/dashboard/alerts",
            "GET /api/dashboard/search",
            "GET /api/dashboard/status",
        ),
    ),
    Ability(
        "see_agents",
        "See agents, their versions, knowledge and test cases, the wizard's templates; check a YAML definition",
        Role.VIEWER,
        (
            "GET /api/industries",
            "GET /api/industries/{industry}",
            "GET /api/config",
            "GET /api/config/schema",
            "GET /api/agents",
            "GET /api/agents/{agent}",
            "GET /api/agents/{agent}/versions",
            "GET /api/agents/{agent}/versions/{version}",
            "GET /api/agents/{agent}/versions/{version}/diff",
            "GET /api/agents/{agent}/config",
            "POST /api/agents/config/validate",
            "POST /api/agents/export",
            "GET /api/agents/{agent}/knowledge",
            "GET /api/agents/{agent}/knowledge/{item}",
            "POST /api/agents/{agent}/knowledge/search",
            "GET /api/agents/{agent}/checks",
            "GET /api/agents/{agent}/checks/runs",
            "GET /api/agents/{agent}/checks/runs/{run}",
            "GET /api/my-agents",
            "GET /api/my-agents/{agent}",
            "GET /api/my-agents/{agent}/status",
        ),
    ),
    Ability(
        "see_widgets",
        "See widgets, their embed code and which visitor a user of the site is",
        Role.VIEWER,
        (
            "GET /api/templates",
            "GET /api/widgets",
            "GET /api/widgets/{widget}",
            "GET /api/widgets/{widget}/embed",
            "GET /api/visitor-id",
        ),
    ),
    Ability(
        "read_conversations",
        "Read conversations, and see who waits for a person",
        Role.VIEWER,
        ("GET /api/conversations", "GET /api/conversations/{conversation}", "GET /api/hand-offs"),
    ),
    Ability(
        "see_figures",
        "See usage and performance",
        Role.VIEWER,
        (
            "GET /api/usage/stats",
            "GET /api/analytics",
            "GET /api/analytics/agents/{agent}",
            "GET /api/analytics/agents/{agent}/versions",
            "GET /api/analytics/industries",
            "GET /api/analytics/definitions",
        ),
    ),
    Ability(
        "see_bills",
        "See charges, plan, budgets, billing profile, invoices and payments; simulate another plan or model",
        Role.VIEWER,
        (
            "GET /api/billing",
            "GET /api/billing/usage",
            "GET /api/billing/prices",
            "GET /api/billing/plan",
            "POST /api/billing/simulate",
            "GET /api/billing/budgets",
            "GET /api/billing/profile",
            "GET /api/billing/credits",
            "GET /api/invoices",
            "GET /api/invoices/{invoice}",
            "GET /api/invoices/{invoice}/pdf",
            "GET /api/invoices/{invoice}/lines/{line}/events",
            "GET /api/invoices/{invoice}/credit-notes",
            "GET /api/credit-notes/{credit_note}",
            "GET /api/credit-notes/{credit_note}/pdf",
            "GET /api/invoices/{invoice}/evidence",
            "POST /api/invoices/{invoice}/evidence/verify",
            "GET /api/billing/evidence-keys",
            "GET /api/billing/events/{event}",
            "GET /api/payments",
            "GET /api/payments/{payment}",
        ),
    ),
    Ability(
        "belong",
        "See the workspace and its members; leave it (only an admin removes others)",
        Role.VIEWER,
        (
            "GET /api/workspace",
            "GET /api/workspace/members",
            "GET /api/workspace/members/{member}",
            "DELETE /api/workspace/members/{member}",
        ),
    ),
    Ability(
        "make_agents",
        "Make, change, teach, try, test and publish agents; tag, activate, pause and copy them",
        Role.MEMBER,
        (
            "POST /api/agents/prompt-preview",
            "POST /api/agents",
            "PATCH /api/agents/{agent}",
            "POST /api/agents/{agent}/publish",
            "POST /api/agents/{agent}/rollback",
            "PUT /api/agents/{agent}/config",
            "POST /api/agents/import",
            "POST /api/agents/{agent}/copy",
            "POST /api/agents/{agent}/knowledge",
            "POST /api/agents/{agent}/knowledge/files",
            "PUT /api/agents/{agent}/knowledge/{item}/file",
            "PUT /api/agents/{agent}/knowledge/{item}",
            "DELETE /api/agents/{agent}/knowledge/{item}",
            "POST /api/agents/{agent}/chat",
            "PUT /api/agents/{agent}/checks",
            "POST /api/agents/{agent}/checks/run",
            "POST /api/my-agents",
            "PATCH /api/my-agents/{agent}",
            "PUT /api/my-agents/{agent}/status",
            "POST /api/my-agents/bulk",
            "POST /api/my-agents/{agent}/duplicate",
        ),
    ),
    Ability(
        "make_widgets",
        "Make, change and delete widgets",
        Role.MEMBER,
        (
            "POST /api/widgets",
            "POST /api/widgets/preview",
            "PATCH /api/widgets/{widget}",
            "DELETE /api/widgets/{widget}",
            "PUT /api/widgets/{widget}/avatar",
            "DELETE /api/widgets/{widget}/avatar",
        ),
    ),
    Ability(
        "answer_visitors",
        "Take and settle hand-offs and leads; see the leads, with contact details",
        Role.MEMBER,
        (
            "PATCH /api/conversations/{conversation}/hand-off",
            "GET /api/leads",
            "PATCH /api/conversations/{conversation}/lead",
        ),
    ),
    Ability(
        "export",
        "Export figures, conversations and the books as files (the audit log and the whole workspace: only an admin)",
        Role.MEMBER,
        ("POST /api/exports", "GET /api/exports", "GET /api/exports/{export}"),
    ),
    Ability(
        "delete_agents",
        "Delete and restore agents",
        Role.ADMIN,
        ("DELETE /api/my-agents/{agent}", "POST /api/my-agents/{agent}/restore"),
    ),
    Ability(
        "erase_content",
        "Erase conversations; export and erase what is known of a visitor",
        Role.ADMIN,
        (
            "DELETE /api/conversations/{conversation}",
            "GET /api/visitors/{visitor}",
            "DELETE /api/visitors/{visitor}",
        ),
    ),
    Ability(
        "set_budgets",
        "Set budgets and the billing profile",
        Role.ADMIN,
        ("PUT /api/billing/budgets", "PUT /api/billing/profile"),
    ),
    Ability(
        "pay",
        "Pay invoices by card, and buy credit",
        Role.ADMIN,
        ("POST /api/payments/checkout",),
    ),
    Ability(
        "run_workspace",
        "Change the workspace's settings; read and export the audit log",
        Role.ADMIN,
        ("PATCH /api/workspace", "GET /api/audit-log"),
    ),
    Ability(
        "manage_members",
        "Invite people, change roles, remove members: up to one's own role (an admin cannot touch owners)",
        Role.ADMIN,
        (
            "PATCH /api/workspace/members/{member}",
            "GET /api/invitations",
            "POST /api/invitations",
            "DELETE /api/invitations/{invitation}",
        ),
    ),
    Ability(
        "manage_keys",
        "Make, change, rotate and revoke API keys; make secrets for signed visitors",
        Role.ADMIN,
        (
            "GET /api/workspace/api-keys",
            "GET /api/workspace/api-keys/{key}",
            "POST /api/workspace/api-keys",
            "PATCH /api/workspace/api-keys/{key}",
            "POST /api/workspace/api-keys/{key}/rotate",
            "DELETE /api/workspace/api-keys/{key}",
            "POST /api/widgets/{widget}/identity-secret/rotate",
        ),
    ),
    Ability(
        "manage_webhooks",
        "Make, change, try and delete webhooks; see what was delivered, and send it again",
        Role.ADMIN,
        (
            "GET /api/webhooks",
            "POST /api/webhooks",
            "GET /api/webhooks/{webhook}",
            "PATCH /api/webhooks/{webhook}",
            "DELETE /api/webhooks/{webhook}",
            "POST /api/webhooks/{webhook}/rotate",
            "POST /api/webhooks/{webhook}/test",
            "GET /api/webhooks/{webhook}/deliveries",
            "POST /api/webhooks/{webhook}/deliveries/{delivery}/redeliver",
        ),
    ),
    Ability("choose_plan", "Choose the plan", Role.OWNER, ("PUT /api/billing/plan",)),
    Ability(
        "close_workspace",
        "Close the workspace, and reopen it within 30 days",
        Role.OWNER,
        ("POST /api/workspace/close", "POST /api/workspace/reopen"),
    ),
)
