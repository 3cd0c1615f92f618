/** The same figures by agent, model, channel, industry or version, the largest first. */

import { useAgents } from "../../api/names";
import { useResource } from "../../api/resource";
import type { Schemas } from "../../api/client";
import { Ranked } from "../../charts/Ranked";
import { share } from "../../format";
import { Button, Card } from "../../parts/basics";
import { Segments } from "../../parts/fields";
import { Definition } from "../../parts/figure";
import { workspace } from "../../session/session";
import { channelName } from "../channels";
import type { Cut, Dimension } from "./cut";
import { additive, METRICS, type Name, value, writer } from "./figures";

const WORDS: Record<Dimension, string> = { agent: "Agent", model: "Model", channel: "Channel", industry: "Industry", version: "Version" };

export function Breakdown({ names, found, cut }: { names: Name[]; found: Schemas["Comparison"]; cut: Cut }) {
  const nameOf = useNames(cut.by);
  if (cut.filter)
    return (
      <Card title="By part" span={12}>
        <p class="muted">Figures are kept by one dimension at a time. To rank agents, models, channels, industries or versions, show all of them.</p>
        <div>
          <Button onClick={() => cut.change({ agent: undefined, model: undefined, channel: undefined, industry: undefined, version: undefined })}>Clear filter</Button>
        </div>
      </Card>
    );
  const currency = workspace.value?.currency ?? found.current.charge.currency;
  const keys = Object.keys(found.groups);
  return (
    <Card
      title={`By ${WORDS[cut.by].toLowerCase()}`}
      span={12}
      aside={<Segments label="Rank by" value={cut.by} onChange={(by) => cut.change({ by: by === "agent" ? undefined : by })} options={Object.entries(WORDS).map(([id, label]) => ({ value: id, label }))} />}
    >
      {keys.length === 0 ? (
        <p class="muted">No usage in this time.</p>
      ) : (
        <div class="grid">
          {names.map((name) => {
            const all = additive(name) ? value(found.current, name) : null;
            const items = keys.map((key) => {
              const amount = value(found.groups[key]!, name);
              return {
                key,
                name: nameOf(key),
                value: amount,
                href: cut.href("/analytics", { tab: new URLSearchParams(location.hash.split("?")[1] ?? "").get("tab") ?? undefined, [cut.by]: key }),
              };
            });
            return (
              <section class="span-6 stack tight" key={name}>
                <div class="row between">
                  <h3>{METRICS[name].label}</h3>
                  <Definition metric={name} name={METRICS[name].label} />
                </div>
                <Ranked
                  name={`${METRICS[name].label} by ${WORDS[cut.by].toLowerCase()}`}
                  summary={items.some((one) => one.value !== null) ? `${items.length} in all${cut.by === "model" ? "" : ", the largest first"}.` : "Not counted by this dimension."}
                  unit={METRICS[name].label}
                  items={items}
                  write={writer(name, currency)}
                  additive={additive(name)}
                  {...(all ? { aside: (amount) => share(amount / all) } : {})}
                />
              </section>
            );
          })}
        </div>
      )}
    </Card>
  );
}

/** The names behind the keys of a dimension. */
export function useNames(by: Dimension): (key: string) => string {
  const agents = useAgents();
  const industries = useResource("/api/industries", by === "industry" ? {} : null);
  const names = new Map(industries.data?.items.map((one) => [one.id, one.name]));
  const versions = new Map(agents.all.flatMap((agent) => (agent.version_id ? [[agent.version_id, `${agent.name}, v${agent.version ?? "?"}`] as const] : [])));
  if (by === "agent") return agents.name;
  if (by === "channel") return channelName;
  if (by === "industry") return (key) => names.get(key) ?? key;
  if (by === "version") return (key) => versions.get(key) ?? `Earlier version ${key.slice(-6)}`;
  return (key) => key;
}
