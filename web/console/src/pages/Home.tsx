/** What happened since yesterday and what needs attention; fresh while somebody looks. */

import { useEffect, useRef, useState } from "preact/hooks";
import { useAgents } from "../api/names";
import type { Schemas } from "../api/client";
import { useResource } from "../api/resource";
import { ago, chargeOf, compact, duration, money, plural, share } from "../format";
import { Button, Card, Empty, Note, State } from "../parts/basics";
import { Tile } from "../parts/figure";
import { Page } from "../parts/page";
import { ErrorNote, Loaded } from "../parts/problem";
import { addDays, today } from "../parts/range";
import { to } from "../routing";
import { may, workspace } from "../session/session";
import { wizardPath } from "../unfinished";
import { pathOf, sentence, subjectPath } from "./activity/words";

const EVERY = 5000;

export default function Home() {
  // Only the figures are asked every five seconds, which costs five reads; the rest when they say that something happened.
  const summary = useResource("/api/dashboard/summary", {}, EVERY);
  const home = useResource("/api/dashboard");
  const asOf = summary.data?.as_of;
  const seen = useRef(asOf);
  useEffect(() => {
    if (seen.current !== undefined && seen.current !== asOf) void home.reload();
    seen.current = asOf;
  }, [asOf]);

  const figures = summary.data ?? home.data?.summary;
  const fresh = home.data && home.data.summary.as_of === null && !home.data.activity.some((one) => one.action === "conversation.erased");
  return (
    <Page
      title="Home"
      updated={summary.at}
      actions={
        may("member") && (
          <Button kind={fresh ? "secondary" : "primary"} icon="plus" href={to("/agents/new")}>
            New agent
          </Button>
        )
      }
    >
      {fresh ? (
        <Loaded from={home}>{(data) => <FirstSteps home={data} />}</Loaded>
      ) : (
        <>
          {summary.problem && <ErrorNote problem={summary.problem} retry={summary.reload} {...(figures ? { safe: "What you see is from before." } : {})} />}
          {(figures || !summary.problem) && <Tiles summary={figures} />}
          <div class="grid">
            <Latest asOf={asOf} />
            <Card title="Needs attention" span={4}>
              <Loaded from={home} lines={6}>{(data) => <Alerts home={data} />}</Loaded>
            </Card>
            <Card title="Activity" span={12} aside={<a href={to("/activity")}>All activity</a>}>
              <Loaded from={home} lines={12}>{(data) => <Feed entries={data.activity} />}</Loaded>
            </Card>
          </div>
        </>
      )}
    </Page>
  );
}

const DAYS = 14;

function Tiles({ summary }: { summary: Schemas["Summary"] | undefined }) {
  const now = today(workspace.value?.time_zone ?? "UTC");
  const days = useResource("/api/analytics", workspace.value ? { query: { from: addDays(now, 1 - DAYS), to: now, granularity: "day" } } : null);
  // While it is not there, the tiles stand with the room that their figures and lines will take.
  const line = (value: (figures: Schemas["Detailed"]) => number | null) => days.data?.series?.items.map((step) => value(step.figures)) ?? [];
  const figure = (value: (summary: Schemas["Summary"]) => string) => (summary ? value(summary) : <Waiting />);
  const aside = (value: (summary: Schemas["Summary"]) => string) => (summary ? value(summary) : "\u00a0");
  const handOff = (handed: number, all: number) => (all ? share(handed / all) : "–");
  return (
    <div class="grid">
      <div class="span-3">
        <Tile name="Conversations today" metric="conversations" href={to("/conversations")} value={figure((s) => compact(s.today.conversations))} aside={aside((s) => `${compact(s.month.conversations)} this month`)} line={line((f) => f.conversations)} />
      </div>
      <div class="span-3">
        <Tile name="Charge this month" metric="charge" href={to("/billing")} value={figure((s) => money(s.charge_so_far))} aside={aside((s) => `About ${money(s.projection)} by its end`)} line={line((f) => Number(f.charge.amount))} />
      </div>
      <div class="span-3">
        <Tile name="Today’s answers begin in" metric="first_token_p95_ms" href={to("/analytics", { tab: "speed" })} value={figure((s) => duration(s.today.first_token_p95_ms))} aside={aside((s) => `for 95 %; ${duration(s.month.first_token_p95_ms)} this month`)} line={line((f) => f.first_token_p95_ms)} />
      </div>
      <div class="span-3">
        <Tile name="Handed off today" metric="hand_off_rate" href={to("/conversations", { tab: "hand-offs" })} value={figure((s) => handOff(s.today.hand_offs, s.today.conversations))} aside={aside((s) => `${handOff(s.month.hand_offs, s.month.conversations)} this month`)} line={line((f) => f.hand_off_rate)} />
      </div>
    </div>
  );
}

const Waiting = () => (
  <>
    <span class="hidden">Loading</span>
    <span class="skeleton" />
  </>
);

/** The newest conversations; what comes while somebody reads waits behind a button, so that no row moves under a pointer. */
function Latest({ asOf }: { asOf: string | null | undefined }) {
  const agents = useAgents();
  const latest = useResource("/api/conversations", { query: { page_size: 8 } });
  const [shown, setShown] = useState<Schemas["ConversationItem"][]>();
  const before = useRef(asOf);
  useEffect(() => {
    if (before.current !== undefined && before.current !== asOf) void latest.reload();
    before.current = asOf;
  }, [asOf]);
  // What was read on an earlier visit is not yet what this one shows, and into an empty list the first row comes by itself.
  const came = useRef(Date.now());
  useEffect(() => {
    if (latest.data && (latest.at ?? 0) >= came.current && !shown?.length) setShown(latest.data.items);
  }, [latest.data, latest.at]);
  const known = new Map(shown?.map((one) => [one.id, one]));
  const fresh = shown ? latest.data!.items.filter((one) => known.get(one.id)?.updated_at !== one.updated_at).length : 0;
  return (
    <Card
      title="Latest conversations"
      span={8}
      aside={
        fresh > 0 ? (
          <Button kind="quiet" icon="up" onClick={() => setShown(latest.data!.items)}>
            {fresh} new
          </Button>
        ) : (
          <a href={to("/conversations")}>All conversations</a>
        )
      }
    >
      <Loaded from={latest} lines={16}>
        {(data) =>
          (shown ?? data.items).length ? (
            <ul class="feed">
              {(shown ?? data.items).map((one) => (
                <li key={one.id}>
                  <span class="break">
                    <a href={to(`/conversations/${one.id}`)} dir="auto">
                      {one.title || "No words yet"}
                    </a>
                  </span>
                  <span class="number muted">{ago(one.updated_at)}</span>
                  <span class="muted break">
                    <span dir="auto">{agents.name(one.agent_id)}</span>, {plural(one.turns, "turn")}
                  </span>
                  <span class="number muted">{chargeOf(one)}</span>
                  {(one.handed_off || one.outcome === "failed" || one.outcome === "interrupted") && (
                    <span class="row">
                      {one.handed_off && <State of="handed off" />}
                      {one.outcome && one.outcome !== "completed" && <State of={one.outcome} />}
                    </span>
                  )}
                </li>
              ))}
            </ul>
          ) : (
            <Empty title="No conversations yet" action={<Button href={to("/widgets")}>Get the embed code</Button>}>
              They appear here as soon as a visitor writes.
            </Empty>
          )
        }
      </Loaded>
    </Card>
  );
}

function Alerts({ home }: { home: Schemas["Home"] }) {
  const { alerts } = home;
  const draft = useUnfinished(home);
  if (!alerts.length && !draft) return <p class="muted">Nothing. Caps, errors, silence and overdue invoices would stand here.</p>;
  return (
    <div class="stack tight">
      {alerts.map((alert) => (
        <Note key={`${alert.code}${alert.subject}`} tone={alert.severity === "critical" ? "danger" : alert.severity}>
          <p>{alert.text}</p>
          <LookAt path={pathOf(alert.kind, alert.subject)} />
        </Note>
      ))}
      {draft && (
        <Note>
          <p>An agent is begun and answers nobody yet.</p>
          <a href={to(draft.path)}>
            Continue <span dir="auto">{draft.name}</span>
          </a>
        </Note>
      )}
    </div>
  );
}

/** The newest draft that nobody has published, with the way back into the wizard; for who may build. */
function useUnfinished(home: Schemas["Home"]): { name: string; path: string } | undefined {
  const drafts = useResource("/api/my-agents", home.agents.draft && may("member") ? { query: { status: "draft", sort: "-created_at", page_size: 1 } } : null);
  const [draft] = drafts.data?.items ?? [];
  return draft && { name: draft.name, path: wizardPath(draft.id) };
}

function LookAt({ path }: { path: string | undefined }) {
  return path ? <a href={to(path)}>Look at it</a> : null;
}

function Feed({ entries }: { entries: Schemas["Activity"][] }) {
  if (!entries.length) return <p class="muted">Changes that people make appear here.</p>;
  return (
    <ul class="feed">
      {entries.slice(0, 10).map((entry) => {
        const path = subjectPath(entry);
        return (
          <li key={entry.id}>
            <span class="break" dir="auto">
              {path ? <a href={to(path)}>{sentence(entry)}</a> : sentence(entry)}
            </span>
            <span class="number muted">{ago(entry.at)}</span>
          </li>
        );
      })}
    </ul>
  );
}

/** Before the first conversation: three steps, each done or next. */
function FirstSteps({ home }: { home: Schemas["Home"] }) {
  const widgets = useResource("/api/widgets", { query: { page_size: 1 } });
  const draft = useUnfinished(home);
  const published = (home.agents.active ?? 0) + (home.agents.paused ?? 0) > 0;
  const widget = widgets.data?.items[0];
  // What a viewer may not do is not offered: the steps say what is missing, and who can do it.
  const steps = [
    { done: published, mine: may("member"), title: "Make an agent", text: "Choose your industry, tell it what to do, let it know your answers.", action: draft ? `Continue ${draft.name}` : "Make an agent", href: draft?.path ?? "/agents/new" },
    { done: Boolean(widget), mine: may("member"), title: "Give it a widget", text: "Colours, words, and the sites on which it may appear.", action: "Make a widget", href: "/widgets/new" },
    { done: false, mine: Boolean(widget) || may("member"), title: "Chat with it", text: "Try it on a page, then put one line into your own.", action: "Try it on a page", href: widget ? `/widgets/${widget.id}?tab=embed` : "/widgets" },
  ];
  const next = steps.findIndex((step) => !step.done);
  return (
    <Card title="Three steps to your first conversation">
      <ol class="steps-list">
        {steps.map((step, i) => (
          <li key={step.title} class={step.done ? "done" : ""}>
            <div>
              <h3>
                {step.title}
                {step.done && <span class="hidden"> (done)</span>}
              </h3>
              <p class="muted">{step.text}</p>
            </div>
            {i === next && !step.mine && <p class="muted">A member, admin or owner of this workspace can do this.</p>}
            {i === next && step.mine && (
              <Button kind="primary" href={to(step.href)}>
                <span class="break" dir="auto">
                  {step.action}
                </span>
              </Button>
            )}
          </li>
        ))}
      </ol>
    </Card>
  );
}
