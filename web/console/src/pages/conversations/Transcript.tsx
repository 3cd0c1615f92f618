/** One conversation, whole: who it was, what was said, what became of it. */

import { useEffect, useState } from "preact/hooks";
import { save } from "../../charts/Chart";
import { call, type Schemas } from "../../api/client";
import { useAgents } from "../../api/names";
import { forget, useAction, useResource } from "../../api/resource";
import { chargeOf, count, plural, when } from "../../format";
import { Button, Note, State } from "../../parts/basics";
import { Confirm, Menu, toast } from "../../parts/dialog";
import { ErrorNote, Loaded } from "../../parts/problem";
import { to } from "../../routing";
import { may } from "../../session/session";
import { channelName } from "../channels";
import { Stars } from "./ConversationList";
import { HandOffCard, LeadCard, RatingCard } from "./cards";
import { Turn } from "./Turn";
import { VisitorActions } from "./visitor";

type Whole = Schemas["Transcript"];

/** Pages of 200 turns that are read at most to find the turn that an address names. */
const MOST_PAGES = 25;

/** The turns before `before`, up to the first one or the one that is looked for. */
async function earlierTurns(conversation: string, before: number, until: (turns: Schemas["TranscriptTurn"][]) => boolean): Promise<{ turns: Schemas["TranscriptTurn"][]; before: number | null }> {
  let turns: Schemas["TranscriptTurn"][] = [];
  let next: number | null = before;
  for (let i = 0; i < MOST_PAGES && next !== null && !until(turns); i++) {
    const { data }: { data: Whole } = await call("get", "/api/conversations/{conversation}", { path: { conversation }, query: { before: next } });
    turns = [...data.transcript, ...turns];
    next = data.earlier;
  }
  return { turns, before: next };
}

async function copyLink(): Promise<void> {
  const copied = await navigator.clipboard.writeText(location.href).then(
    () => true,
    () => false,
  );
  toast(copied ? "The link is copied" : "Not copied: select it in the address bar");
}

export default function Transcript({ id, turn, gone }: { id: string; turn: string | undefined; gone: () => void }) {
  const read = useResource("/api/conversations/{conversation}", { path: { conversation: id } });
  return (
    <Loaded from={read} lines={8}>
      {(whole) => <Shown whole={whole} turn={turn} gone={gone} reread={read.reload} put={read.put} busy={read.busy} />}
    </Loaded>
  );
}

function Shown({ whole, turn, gone, reread, put, busy }: { whole: Whole; turn: string | undefined; gone: () => void; reread: () => Promise<void>; put: (data: Whole) => void; busy: boolean }) {
  const agents = useAgents();
  const [older, setOlder] = useState<{ turns: Schemas["TranscriptTurn"][]; before: number | null }>();
  const [erasing, setErasing] = useState(false);
  const before = older ? older.before : whole.earlier;
  const turns = [...(older?.turns ?? []), ...whole.transcript];
  const earlier = useAction(async (find?: string) => {
    const found = await earlierTurns(whole.id, before!, (read) => (find ? read.some((one) => isTurn(one, find)) : read.length > 0));
    setOlder({ turns: [...found.turns, ...(older?.turns ?? [])], before: found.before });
  });
  const exporting = useAction(async () => {
    const rest = before === null ? { turns: [] } : await earlierTurns(whole.id, before, () => false);
    save(`conversation-${whole.id}.json`, "application/json", JSON.stringify({ ...whole, transcript: [...rest.turns, ...turns], earlier: null }, null, 2));
  });

  const sought = turn !== undefined && !turns.some((one) => isTurn(one, turn));
  useEffect(() => {
    if (sought && before !== null) void earlier.run(turn);
  }, [turn, whole.id]);

  return (
    <article class="stack transcript" aria-label={whole.title || "Conversation"}>
      <header class="stack tight">
        <div class="row talk-head">
          <h2 class="grow break" dir="auto">
            {whole.title || "No words yet"}
          </h2>
          <Button kind="quiet" icon="refresh" label="Read it again" busy={busy} onClick={() => void reread()} />
          <Menu
            label="More about this conversation"
            items={[
              { label: "Export as JSON", onSelect: () => void exporting.run() },
              { label: "Copy link", onSelect: () => void copyLink() },
              may("admin") && { label: "Erase conversation", danger: true, onSelect: () => setErasing(true) },
            ]}
          />
        </div>
        <p class="row muted talk-facts">
          <a href={to(`/agents/${whole.agent_id}`)} dir="auto" class="break">
            {agents.name(whole.agent_id)}
          </a>
          <span>{channelName(whole.channel)}</span>
          <span>{when(whole.created_at)}</span>
          <span class="number">{plural(whole.turns, "turn")}</span>
          <span class="number">{count(whole.tokens)} tokens</span>
          <span class="number">
            {whole.transcript.some((turn) => turn.estimated) && "~"}
            {chargeOf(whole)}
          </span>
          {whole.locale && <span>{language(whole.locale)}</span>}
        </p>
        <div class="row">
          {whole.outcome && whole.outcome !== "completed" && <State of={whole.outcome} />}
          {whole.resolved && <State of="resolved" />}
          {whole.rating && <Stars rating={whole.rating} />}
        </div>
        {whole.page_url && (
          <p class="muted break">
            On <PageLink url={whole.page_url} />
          </p>
        )}
        {whole.visitor_id && <VisitorActions visitor={whole.visitor_id} gone={gone} />}
      </header>
      {exporting.problem && <ErrorNote problem={exporting.problem} retry={exporting.run} safe="Nothing was saved." />}
      {whole.hand_off && <HandOffCard conversation={whole.id} reread={reread} handOff={whole.hand_off} changed={(hand_off) => put({ ...whole, hand_off: { ...whole.hand_off!, ...hand_off } })} />}
      {whole.lead && <LeadCard conversation={whole.id} reread={reread} lead={whole.lead} changed={(lead) => put({ ...whole, lead: { ...whole.lead!, ...lead } })} />}
      {whole.has_lead && !whole.lead && <Note>The visitor left contact details. Members see them.</Note>}
      {whole.rating_comment && <RatingCard rating={whole.rating} comment={whole.rating_comment} />}
      {before !== null && (
        <div class="row">
          <Button icon="up" busy={earlier.busy} onClick={() => void earlier.run(undefined)}>
            Load earlier turns
          </Button>
          <span class="muted">{count(turns[0] ? turns[0].seq - 1 : 0)} before these</span>
        </div>
      )}
      {earlier.problem && <ErrorNote problem={earlier.problem} retry={() => earlier.run(undefined)} safe="What is shown stays." />}
      {sought && before === null && !earlier.busy && (
        <p class="muted" role="status">
          The turn in this address is not among those that are kept.
        </p>
      )}
      <ol class="turns">
        {turns.map((one, i) => (
          <Turn key={one.id} turn={one} agent={whole.agent_id} name={agents.name(whole.agent_id)} conversation={whole.id} chosen={turn !== undefined && isTurn(one, turn)} cutBefore={i > 0 ? turns[i - 1]!.history_cut : 0} />
        ))}
      </ol>
      {!turns.length && <p class="muted">Nothing was said yet, or what was said is erased.</p>}
      {erasing && (
        <Confirm
          title="Erase this conversation?"
          action="Erase conversation"
          typed="erase"
          onClose={() => setErasing(false)}
          act={async () => {
            await call("delete", "/api/conversations/{conversation}", { path: { conversation: whole.id } });
            toast("The conversation is erased");
            gone();
            forget("/api/conversations", "/api/hand-offs", "/api/leads", "/api/dashboard");
          }}
        >
          <p>
            {plural(whole.turns, "turn")}
            {whole.lead ? ", the contact details that the visitor left" : ""}
            {whole.hand_off ? ", the hand-off" : ""}
            {whole.rating ? ", the rating" : ""} will be gone for good. Figures and charges stay, without any words.
          </p>
        </Confirm>
      )}
    </article>
  );
}

/** An address names a turn by its id, as invoices know it, or by its number. */
const isTurn = (turn: Schemas["TranscriptTurn"], name: string): boolean => turn.id === name || String(turn.seq) === name;

const languages = new Intl.DisplayNames(undefined, { type: "language" });
function language(locale: string): string {
  try {
    return languages.of(locale) ?? locale;
  } catch {
    return locale;
  }
}

/** The page that a visitor was on. Anybody can claim any address, so only http(s) becomes a link. */
function PageLink({ url }: { url: string }) {
  return /^https?:\/\//.test(url) ? (
    <a href={url} target="_blank" rel="noopener noreferrer">
      {url}
    </a>
  ) : (
    <span>{url}</span>
  );
}
