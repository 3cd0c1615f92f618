/** Of what the figures are: the span and the one filter, kept in the address, in a bar that stays in view. */

import { useMemo, useState } from "preact/hooks";
import { useAgents } from "../../api/names";
import type { Given } from "../../api/client";
import { useResource } from "../../api/resource";
import { Button } from "../../parts/basics";
import { type Option, Select } from "../../parts/fields";
import { Range, type Span, useSpan } from "../../parts/range";
import { useWide } from "../../parts/table";
import { useQuery, withQuery } from "../../routing";
import { workspace } from "../../session/session";
import { CHANNELS, isChannel } from "../channels";
import { beforeOf, granularityOf } from "./spans";

const DIMENSIONS = ["agent", "model", "channel", "industry", "version"] as const;
export type Dimension = (typeof DIMENSIONS)[number];
type Query = NonNullable<Given<"/api/analytics", "get">["query"]>;


export interface Cut {
  span: Span;
  zone: string;
  /** Which part of everything is shown; at most one, because counters are kept by one dimension each. */
  filter: { by: Dimension; key: string } | undefined;
  /** The agent of the version that is shown. */
  of: string | undefined;
  by: Dimension;
  change: (next: Record<string, string | undefined>) => void;
  setSpan: (next: Partial<Span>) => void;
  /** The address of another tab with the same span and filter. */
  href: (path: string, more?: Record<string, string | undefined>) => string;
  query: Query;
}

export function useCut(): Cut {
  const [query, change] = useQuery();
  const zone = workspace.value?.time_zone ?? "UTC";
  const [span, setSpan] = useSpan(zone, "30d", true);
  return useMemo(() => {
    const by = DIMENSIONS.find((one) => one === query.by) ?? "agent";
    const found = [...DIMENSIONS].reverse().find((one) => query[one] && (one !== "channel" || isChannel(query.channel ?? "")));
    const filter = found && { by: found, key: query[found]! };
    const only: Query = !filter ? { group_by: by } : filter.by === "channel" && isChannel(filter.key) ? { channel: filter.key } : { [filter.by]: filter.key };
    const kept = { range: query.range, from: query.from, to: query.to, compare: query.compare, by: query.by, ...Object.fromEntries(DIMENSIONS.map((one) => [one, query[one]])) };
    return {
      span,
      zone,
      filter,
      of: query.agent,
      by,
      change,
      setSpan,
      href: (path, more = {}) => `#${withQuery(path, { ...kept, ...more })}`,
      query: { from: span.from, to: span.to, granularity: granularityOf(span), ...beforeOf(span), ...only },
    };
  }, [query, span, zone]);
}

/** `plain` has no filters: for what is shown of all industries side by side. */
export function Bar({ cut, plain = false }: { cut: Cut; plain?: boolean }) {
  const agents = useAgents();
  const industries = useResource("/api/industries");
  const models = [...new Set(agents.all.map((agent) => agent.model))].sort();
  const set = (by: Dimension, key: string) => cut.change({ ...Object.fromEntries(DIMENSIONS.map((one) => [one, undefined])), [by]: key || undefined });
  const chosen = (by: Dimension) => (cut.filter?.by === by ? cut.filter.key : "");
  const options = (all: string, found: Option[], by: Dimension): Option[] => {
    const key = chosen(by);
    const known = !key || found.some((one) => one.value === key);
    return [{ value: "", label: all }, ...found, ...(known ? [] : [{ value: key, label: key }])];
  };
  const wide = useWide();
  const [open, setOpen] = useState(false);
  return (
    <div class="analytics-bar" role="group" aria-label="What is shown">
      <Range span={cut.span} change={cut.setSpan} compare={!plain} />
      {!wide && !plain && (
        <Button icon="expand" expanded={open} onClick={() => setOpen(!open)}>
          {cut.filter ? "1 filter" : "Filters"}
        </Button>
      )}
      <div class="row filters" hidden={plain || (!wide && !open)}>
        <Select label="Agent" value={cut.of ?? ""} onChange={(key) => set("agent", key)} options={options("All agents", agents.all.map((agent) => ({ value: agent.id, label: agent.name })), "agent")} />
        {cut.of && <Versions agent={cut.of} cut={cut} />}
        <Select label="Model" value={chosen("model")} onChange={(key) => set("model", key)} options={options("All models", models.map((name) => ({ value: name, label: name })), "model")} />
        <Select label="Channel" value={chosen("channel")} onChange={(key) => set("channel", key)} options={options("All channels", Object.entries(CHANNELS).map(([value, label]) => ({ value, label })), "channel")} />
        <Select label="Industry" value={chosen("industry")} onChange={(key) => set("industry", key)} options={options("All industries", (industries.data?.items ?? []).map((one) => ({ value: one.id, label: one.name })), "industry")} />
        {cut.filter && (
          <Button kind="quiet" icon="close" onClick={() => set("agent", "")}>
            Clear filter
          </Button>
        )}
      </div>
    </div>
  );
}

/** The versions of the agent that is chosen; one of them is a filter of its own. */
function Versions({ agent, cut }: { agent: string; cut: Cut }) {
  const versions = useResource("/api/analytics/agents/{agent}/versions", { path: { agent }, query: { from: cut.span.from, to: cut.span.to, page_size: 100 } });
  const key = cut.filter?.by === "version" ? cut.filter.key : "";
  const found = (versions.data?.items ?? []).map((one) => ({ value: one.version_id, label: `v${one.number}${one.is_published ? ", published" : ""}` }));
  return <Select label="Version" value={key} onChange={(version) => cut.change({ version: version || undefined })} options={[{ value: "", label: "All versions" }, ...found, ...(key && !found.some((one) => one.value === key) ? [{ value: key, label: key }] : [])]} />;
}
