/** Every version of every plan, and publishing a further one: a version is never changed. */

import { useState } from "preact/hooks";
import "../../styles/money.css";
import type { Schemas } from "../../api/client";
import { useResource } from "../../api/resource";
import { billingDay } from "../../format";
import { Badge, Button, Card, Empty } from "../../parts/basics";
import { Page } from "../../parts/page";
import { Loaded } from "../../parts/problem";
import { to } from "../../routing";
import { terms } from "../billing/terms";
import { OnlyOperators } from "./OnlyOperators";
import { Publish } from "./Publish";

type Version = Schemas["PlanVersion"];

export default function Plans() {
  return (
    <OnlyOperators title="Plans">
      <All />
    </OnlyOperators>
  );
}

/** The versions of each plan, the newest first. */
function byPlan(versions: Version[]): [plan: string, versions: Version[]][] {
  const found = new Map<string, Version[]>();
  for (const one of versions) found.set(one.terms.plan, [...(found.get(one.terms.plan) ?? []), one]);
  return [...found].map(([plan, own]) => [plan, own.sort((a, b) => b.effective_from.localeCompare(a.effective_from))]);
}

/** Whose plan it is, by the name that people know; of very many workspaces, by the link alone. */
function Alone({ workspace }: { workspace: string }) {
  const known = useResource("/api/operator/workspaces", { query: { page_size: 100 } });
  const name = known.data?.items.find((one) => one.id === workspace)?.name;
  return (
    <>
      ; for{" "}
      <a href={to(`/operator/workspaces/${workspace}`)} dir="auto">
        {name ?? "one workspace"}
      </a>{" "}
      alone
    </>
  );
}

function All() {
  const plans = useResource("/api/operator/plans");
  const [from, publishFrom] = useState<Version | null>();
  const now = new Date().toISOString();
  return (
    <Page
      title="Plans"
      above={<a href={to("/operator")}>Operator</a>}
      updated={plans.at}
      actions={
        <Button kind="primary" icon="plus" onClick={() => publishFrom(null)}>
          New plan
        </Button>
      }
    >
      <Loaded from={plans} lines={8}>
        {(data) =>
          data.versions.length ? (
            <div class="stack loose">
              {byPlan(data.versions).map(([plan, versions]) => {
                const inForce = versions.find((one) => one.effective_from <= now);
                return (
                  <Card key={plan} title={<span dir="auto">{versions[0]!.terms.name}</span>} aside={<Button onClick={() => publishFrom(versions[0]!)}>New version</Button>}>
                    <ul class="versions">
                      {versions.map((one) => (
                        <li key={one.terms.version} class="stack tight">
                          <div class="row between">
                            <strong>{one.terms.version}</strong>
                            {one === inForce ? <Badge tone="success">In force</Badge> : one.effective_from > now ? <Badge tone="info">From {billingDay(one.effective_from)}</Badge> : <Badge>Earlier</Badge>}
                          </div>
                          <span class="muted break">
                            Can be chosen from {billingDay(one.effective_from)} (UTC); {one.source === "shipped" ? "shipped with this installation" : `published ${billingDay(one.published_at)}`}
                            {one.workspace_id && <Alone workspace={one.workspace_id} />}
                          </span>
                          <ul class="terms">
                            {terms(one.terms).map((term) => (
                              <li key={term}>{term}</li>
                            ))}
                          </ul>
                        </li>
                      ))}
                    </ul>
                  </Card>
                );
              })}
            </div>
          ) : (
            <Empty level={2} title="No plan yet">Publish one, so that workspaces can choose it.</Empty>
          )
        }
      </Loaded>
      {from !== undefined && <Publish from={from} put={() => void plans.reload()} onClose={() => publishFrom(undefined)} />}
    </Page>
  );
}
