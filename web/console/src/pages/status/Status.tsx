/** How the service is: every deployment's own word, what waits to be sent, and when something last happened. */

import type { Schemas } from "../../api/client";
import { useResource } from "../../api/resource";
import { ago, clock, count, duration, plural, when } from "../../format";
import { Badge, Button, Card, Note } from "../../parts/basics";
import { Page } from "../../parts/page";
import { Loaded } from "../../parts/problem";
import { Table, type Column } from "../../parts/table";

type Health = Schemas["DeploymentHealth"];

const COLUMNS: Column<Health>[] = [
  { id: "name", head: "Part", card: "title", cell: (one) => one.name },
  {
    id: "status",
    head: "State",
    card: "status",
    cell: (one) => (one.status === "healthy" ? <Badge tone="success">Healthy</Badge> : <Badge tone="danger">{one.status === "unreachable" ? "No answer" : "Unhealthy"}</Badge>),
  },
  { id: "version", head: "Version", card: "detail", cell: (one) => <span class="break">{one.version ?? "–"}</span> },
  { id: "latency", head: "Answered in", card: "detail", number: true, cell: (one) => duration(one.latency_ms) },
];

export default function Status() {
  // Each look asks every deployment, so it is not repeated by itself.
  const status = useResource("/api/dashboard/status");
  return (
    <Page
      title="Status"
      updated={status.data ? new Date(status.data.checked_at).getTime() : undefined}
      actions={
        <Button kind="primary" icon="refresh" busy={status.busy} onClick={() => void status.reload()}>
          Check now
        </Button>
      }
    >
      <Loaded from={status} lines={8}>
        {(data) => <Shown data={data} />}
      </Loaded>
    </Page>
  );
}

function Shown({ data }: { data: Schemas["functions__dashboard__home_models__Status"] }) {
  const ill = data.deployments.filter((one) => one.status !== "healthy");
  return (
    <div class="stack loose">
      {ill.length ? (
        <Note tone="danger" title={ill.length === 1 ? `${ill[0]!.name} is not well` : `${ill.length} of ${plural(data.deployments.length, "part")} are not well`} role="status">
          <p>What they do may be late or refused. Nothing that was accepted is lost: it is done when they are back.</p>
        </Note>
      ) : (
        <Note tone="success" title="All parts are healthy" role="status">
          <p>
            {plural(data.deployments.length, "part")} answered at {clock(data.checked_at)}.
          </p>
        </Note>
      )}
      <div class="grid">
        <Fact name="Last event" value={data.last_event_at ? ago(data.last_event_at) : "None yet"} warn={false} aside={data.last_event_at ? `Counted for this workspace, ${when(data.last_event_at)}` : "A turn makes the first one."} />
        <Fact name="Unsent events" value={count(data.unsent_events)} aside={data.relay_ran_at ? `Counted ${ago(data.relay_ran_at)}` : "Not counted yet"} warn={data.unsent_events > 0 && "Waiting"} />
        <Fact name="Dead letters" value={count(data.dead_letters)} aside="Given up after repeated tries" warn={data.dead_letters > 0 && "Needs a look"} />
      </div>
      <Table label="Parts of AgentHub" columns={COLUMNS} items={[...ill, ...data.deployments.filter((one) => one.status === "healthy")]} keyOf={(one) => one.name} />
    </div>
  );
}

function Fact({ name, value, aside, warn }: { name: string; value: string; aside: string; warn: string | false }) {
  return (
    <Card span={4}>
      <h2 class="label">{name}</h2>
      <p class="figure">{value}</p>
      <p class="muted">
        {warn && <Badge tone="warning">{warn}</Badge>} {aside}
      </p>
    </Card>
  );
}
