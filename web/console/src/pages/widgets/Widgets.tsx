/** All widgets: which agent speaks, how it looks, where it may appear, whether it can be used, when it last was. */

import "../../styles/widgets.css";
import { type Agents, useAgents } from "../../api/names";
import type { Schemas } from "../../api/client";
import { usePages, useResource } from "../../api/resource";
import { ago, DASH } from "../../format";
import { Badge, Button, Empty, State } from "../../parts/basics";
import { Page } from "../../parts/page";
import { type Column, List } from "../../parts/table";
import { to } from "../../routing";
import { may } from "../../session/session";

export default function Widgets() {
  const pages = usePages("/api/widgets", { query: { use: true } });
  const agents = useAgents();
  const templates = useResource("/api/templates");
  const columns: Column<Schemas["ListedWidget"]>[] = [
    {
      id: "name",
      head: "Widget",
      card: "title",
      cell: (widget) => (
        <>
          <a href={to(`/widgets/${widget.id}`)} dir="auto">
            {widget.name}
          </a>
          <div class="muted plain" dir="auto">
            {agents.name(widget.agent_id)}
          </div>
        </>
      ),
    },
    { id: "theme", head: "Look", card: "detail", cell: (widget) => <Swatch theme={widget.theme} templates={templates.data?.items} /> },
    { id: "origins", head: "Sites", card: "detail", cell: (widget) => <Origins of={widget.allowed_origins} /> },
    { id: "state", head: "State", card: "status", cell: (widget) => <WidgetState widget={widget} agents={agents} /> },
    { id: "used", head: "Last conversation", card: "detail", cell: (widget) => <LastUse of={widget} /> },
  ];
  const make = (
    <Button kind="primary" icon="plus" href={to("/widgets/new")}>
      New widget
    </Button>
  );
  return (
    <Page title="Widgets" actions={may("member") && pages.items.length > 0 && make}>
      <List
        label="Widgets"
        pages={pages}
        columns={columns}
        keyOf={(widget) => widget.id}
        empty={
          <Empty level={2} title="No widgets yet" action={may("member") && make}>
            A widget puts an agent on your site: one line of code, in your colours and your visitors' languages.
          </Empty>
        }
      />
    </Page>
  );
}

/** Whether visitors can use it, and if not, why. */
export function WidgetState({ widget, agents }: { widget: Schemas["Widget"]; agents: Agents }) {
  const agent = agents.all.find((one) => one.id === widget.agent_id);
  if (!widget.allowed_origins.length) return <Badge tone="danger">No site</Badge>;
  if (!agent) return agents.all.length ? <Badge tone="danger">Agent deleted</Badge> : <span class="muted">{DASH}</span>;
  return agent.status === "active" ? <State of="active" /> : agent.status === "paused" ? <State of="paused" /> : <Badge tone="warning">{`Agent ${agent.status}`}</Badge>;
}

function Origins({ of: origins }: { of: string[] }) {
  const [first, ...rest] = origins.map((origin) => origin.replace(/^https:\/\//, ""));
  if (first === undefined) return <span class="muted">{DASH}</span>;
  return (
    <span class="break" title={origins.join("\n")}>
      {first}
      {rest.length > 0 && <span class="muted"> and {rest.length} more</span>}
    </span>
  );
}

function Swatch({ theme, templates }: { theme: Schemas["Theme"]; templates: Schemas["Template"][] | undefined }) {
  const template = templates?.find((one) => one.name === theme.name);
  const colours = [theme.accent ?? template?.light.accent, theme.bubble ?? template?.light.bubble].filter((one): one is string => Boolean(one));
  return (
    <span class="swatch">
      {colours.map((colour) => (
        <span key={colour} style={{ background: colour }} aria-hidden="true" />
      ))}
      {template?.title ?? theme.name}
    </span>
  );
}

function LastUse({ of: widget }: { of: Schemas["ListedWidget"] }) {
  if (!widget.use) return <span class="muted">{DASH}</span>;
  const at = widget.use.last_conversation_at;
  return at ? <a href={to("/conversations", { widget: widget.id })}>{ago(at)}</a> : <span class="muted">Never</span>;
}
