/** A turn: the visitor's words, the answer, and one line of what it took, which opens everything known of it. */

import { useEffect, useId, useRef, useState } from "preact/hooks";
import type { Schemas } from "../../api/client";
import { useResource } from "../../api/resource";
import { takeAlong } from "../../asked";
import { billingDay, count, duration, known, month, plural, tokens, when } from "../../format";
import { Badge, Button, Facts, State } from "../../parts/basics";
import { Icon } from "../../parts/icons";
import { Loaded } from "../../parts/problem";
import { to } from "../../routing";
import { may } from "../../session/session";

type Shown = Schemas["TranscriptTurn"];

const ERRORS: Record<string, string> = {
  model_refused: "The model declined to answer this.",
  model_timeout: "The model took too long.",
  model_interrupted: "The model broke off.",
  model_unavailable: "The model could not be reached.",
  turn_lost: "The turn broke off before its answer was kept.",
  not_stored: "The answer could not be kept.",
  caller_left: "The visitor left before the answer began.",
  internal: "Something went wrong on our side.",
};
const ACTIONS: Record<string, string> = { hand_off: "asked for a person", collect_lead: "asked for contact details" };
const words = (code: string): string => code.replace(/_/g, " ");

const BUCKETS = [
  ["Read", "input_tokens"],
  ["Read from cache", "cached_input_tokens"],
  ["Thought", "reasoning_tokens"],
  ["Written", "output_tokens"],
] as const;

/** All tokens of the turn; null while the provider has not said it. */
function total(turn: Shown): number | null {
  const buckets = BUCKETS.map(([, name]) => turn[name]);
  return buckets.some((value) => value === null) ? null : buckets.reduce<number>((sum, value) => sum + (value ?? 0), 0);
}

export function Turn({ turn, agent, name, conversation, chosen, cutBefore }: { turn: Shown; agent: string; name: string; conversation: string; chosen: boolean; cutBefore: number }) {
  const [open, setOpen] = useState(chosen);
  const id = useId();
  const place = useRef<HTMLLIElement>(null);
  useEffect(() => {
    if (!chosen) return;
    setOpen(true);
    place.current?.scrollIntoView({ block: "center" });
  }, [chosen]);
  const all = total(turn);
  return (
    <li ref={place} id={`turn-${turn.seq}`} class="turn" aria-current={chosen ? "true" : undefined}>
      {turn.history_cut > cutBefore && <p class="cut muted">From here on the model no longer saw the first {plural(turn.history_cut, "turn")}.</p>}
      <div class="said">
        <p class="row between muted turn-head">
          <span>Visitor</span>
          <a class="number" href={to(`/conversations/${conversation}`, { turn: turn.id })} aria-label={`Link to turn ${turn.seq}`} title={when(turn.occurred_at)}>
            {turn.seq}
          </a>
        </p>
        <p class="words break" dir="auto">
          {turn.message}
        </p>
      </div>
      <div class="answered">
        <p class="row muted turn-head">
          <span dir="auto">{name}</span>
          {turn.outcome !== "completed" && <State of={turn.outcome} />}
          {turn.actions.map((action) => (
            <Badge key={action} tone="info" icon={action === "hand_off" ? "hand" : "person"}>
              {ACTIONS[action] ?? words(action)}
            </Badge>
          ))}
        </p>
        {turn.answer ? (
          <p class="words break" dir="auto">
            {turn.answer}
          </p>
        ) : (
          <p class="muted">No answer.{turn.error_code && ` ${ERRORS[turn.error_code] ?? `Reason: ${words(turn.error_code)}.`}`}</p>
        )}
        <button type="button" class="took" aria-expanded={open} aria-controls={id} onClick={() => setOpen(!open)}>
          <span class="number">{all === null ? "tokens pending" : `${turn.estimated ? "~" : ""}${tokens(all)}`}</span>
          <span class="number">{all === null ? "charge pending" : known(turn.charge, { pending: false, estimated: turn.estimated })}</span>
          {turn.latency_ms !== null && <span class="number">{duration(turn.latency_ms)}</span>}
          {turn.sources.length > 0 && <span class="number">{plural(turn.sources.length, "source")}</span>}
          {turn.feedback && (
            <span class={`row thumb ${turn.feedback}`}>
              <Icon name={turn.feedback === "up" ? "thumbUp" : "thumbDown"} size={16} />
              <span class="hidden">{turn.feedback === "up" ? "thumb up" : "thumb down"}</span>
            </span>
          )}
          <Icon name="expand" size={16} />
        </button>
        {turn.comment && (
          <blockquote class="muted break" dir="auto">
            “{turn.comment}”
          </blockquote>
        )}
      </div>
      <div id={id} class="turn-more" hidden={!open}>
        {open && <More turn={turn} agent={agent} />}
      </div>
    </li>
  );
}

function More({ turn, agent }: { turn: Shown; agent: string }) {
  const certainty = { pending: total(turn) === null, estimated: turn.estimated };
  return (
    <div class="card">
      <dl class="buckets">
        {BUCKETS.map(([label, bucket]) => (
          <div key={bucket}>
            <dt class="label">{label}</dt>
            <dd class="number">{turn[bucket] === null ? "pending" : `${turn.estimated ? "~" : ""}${count(turn[bucket])}`}</dd>
          </div>
        ))}
      </dl>
      {turn.estimated && (
        <p class="row">
          <State of="estimated" />
          <span class="muted">The provider did not say how many tokens it took, so they were counted here.</span>
        </p>
      )}
      <Facts
        of={[
          ["Charge", <span class="number">{known(turn.charge, certainty)}</span>],
          ["Cost of the provider", <span class="number">{known(turn.cost, certainty)}</span>],
          ["Time", `${duration(turn.latency_ms)}, first token after ${duration(turn.first_token_ms)}`],
          ["Model", `${turn.model} (${turn.provider})`],
          ["Agent version", <Version agent={agent} version={turn.version_id} />],
          ["Price version", turn.price_version],
          ["History", turn.history_turns === null ? "–" : `${turn.history_turns ? plural(turn.history_turns, "turn") : "No turn"} before it${turn.history_cut ? `; the first ${count(turn.history_cut)} left out` : ""}`],
          ["Invoice", <Booked event={turn.id} />],
          ["When", when(turn.occurred_at)],
          ...(turn.error_code ? [["Error", words(turn.error_code)] satisfies [string, string]] : []),
        ]}
      />
      {turn.sources.length > 0 && (
        <ol class="stack tight sources" aria-label="Sources">
          {turn.sources.map((source) => (
            <li key={source.number}>
              <details>
                <summary>
                  <span class="number">{source.number}</span>
                  <span class="grow break" dir="auto">
                    {source.title}
                  </span>
                  <span class="number muted">score {source.score.toFixed(2)}</span>
                </summary>
                <p class="words break muted" dir="auto">
                  {source.text}
                </p>
                <a href={to(`/agents/${agent}`, { tab: "knowledge", item: source.item_id })}>Open in knowledge</a>
              </details>
            </li>
          ))}
        </ol>
      )}
      {may("member") && (
        <div class="row">
          <Button icon="book" onClick={() => takeAlong(agent, turn.message, "knowledge")}>
            Add to knowledge
          </Button>
          <Button icon="plus" onClick={() => takeAlong(agent, turn.message, "checks")}>
            Make test case
          </Button>
        </div>
      )}
      <p class="row muted">
        <span class="label">Event</span>
        <code class="break">{turn.id}</code>
      </p>
    </div>
  );
}

function Version({ agent, version }: { agent: string; version: string | null }) {
  const versions = useResource("/api/agents/{agent}/versions", version ? { path: { agent }, query: { page_size: 100 } } : null);
  if (!version) return <>Draft</>;
  const number = versions.data?.items.find((one) => one.id === version)?.number;
  return <a href={to(`/agents/${agent}`, { tab: "versions", compare: version })}>{number === undefined ? "Published version" : `v${number}`}</a>;
}

/** Where the books have the turn: read when somebody looks, since it is settled elsewhere. */
function Booked({ event }: { event: string }) {
  const booked = useResource("/api/billing/events/{event}", { path: { event } });
  return (
    <Loaded from={booked} lines={1}>
      {(found) =>
        found.invoice_id ? (
          <a href={to(`/billing/invoices/${found.invoice_id}`, { line: found.line_id ?? undefined })}>
            {found.invoice_number ?? "Draft invoice"}
            {found.line_id ? `, line ${found.line_id}` : ""}
          </a>
        ) : found.state === "unbooked" ? (
          <>Not booked yet: the day {billingDay(found.day)} (UTC) is open</>
        ) : (
          <>
            Booked on {billingDay(found.day)} (UTC), for the invoice of {month(found.period)}
          </>
        )
      }
    </Loaded>
  );
}
