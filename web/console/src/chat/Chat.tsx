/**
 * A chat with an agent, for people who build it: streamed words, sources, what each answer took, Retry and Stop.
 *
 * The conversation is `useChat`'s and is kept outside, for an inspector beside it: `chosen` and `onChoose` are for the turn
 * that is looked at.
 */

import "../styles/chat.css";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { count, duration, known as written, plural, tokens } from "../format";
import { Badge, Button } from "../parts/basics";
import { ErrorNote } from "../parts/problem";
import { to } from "../routing";
import type { Chat as Talk, Turn } from "./useChat";

export interface ChatProps {
  agent: string;
  /** The agent's name, for screen readers and the empty chat. */
  name?: string;
  greeting?: string | undefined;
  suggestions?: readonly string[] | undefined;
  chat: Talk;
  /** The key of the turn that an inspector shows. */
  chosen?: string | undefined;
  onChoose?: (turn: Turn) => void;
}

const NEAR = 80;

export function Chat({ agent, name = "The agent", chat, greeting, suggestions = [], chosen, onChoose }: ChatProps) {
  const log = useRef<HTMLDivElement>(null);
  const follows = useRef(true);
  const [below, setBelow] = useState(false);
  const last = chat.turns.at(-1);
  const length = chat.turns.length;
  const toEnd = () => {
    const box = log.current!;
    box.scrollTop = box.scrollHeight;
    follows.current = true;
    setBelow(false);
  };
  useLayoutEffect(() => {
    if (follows.current) toEnd();
    else setBelow(true);
  }, [length, last?.answer, last?.state, last?.facts]);
  useLayoutEffect(toEnd, [length]);
  return (
    <section class="chat" aria-label="Chat">
      <div
        ref={log}
        class="chat-log"
        role="log"
        aria-live="off"
        aria-label="Conversation"
        tabIndex={0}
        onScroll={({ currentTarget: box }) => {
          follows.current = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR;
          if (follows.current) setBelow(false);
        }}
      >
        {greeting && (
          <p class="bubble agent break" dir="auto">
            {greeting}
          </p>
        )}
        {!length && !greeting && <p class="muted chat-hint">Write something as a visitor would. Each answer shows what it took.</p>}
        {chat.turns.map((turn) => (
          <Exchange key={turn.key} turn={turn} agent={agent} chosen={chosen === turn.key} onChoose={onChoose} retry={chat.busy ? undefined : () => chat.retry(turn)} />
        ))}
      </div>
      {below && (
        <div class="chat-below">
          <Button icon="down" onClick={toEnd}>
            New messages
          </Button>
        </div>
      )}
      {!length && suggestions.length > 0 && (
        <div class="row chat-suggestions">
          {suggestions.slice(0, 4).map((text) => (
            <button key={text} type="button" class="button break" dir="auto" onClick={() => chat.send(text)}>
              {text}
            </button>
          ))}
        </div>
      )}
      <Composer chat={chat} name={name} />
      <Heard turn={last} name={name} />
    </section>
  );
}

function Exchange({ turn, agent, chosen, onChoose, retry }: { turn: Turn; agent: string; chosen: boolean; onChoose: ((turn: Turn) => void) | undefined; retry: (() => void) | undefined }) {
  const words = <Taken turn={turn} />;
  return (
    <div class="exchange">
      <p class="bubble visitor break" dir="auto">
        <span class="hidden">You: </span>
        {turn.message}
      </p>
      {(turn.answer || turn.state === "waiting") && (
        <p class={`bubble agent break${turn.state === "streaming" ? " streaming" : ""}`} dir="auto">
          {turn.answer || <span class="typing" role="img" aria-label="Answering" />}
        </p>
      )}
      {turn.sources.length > 0 && (
        <ol class="sources" aria-label="Sources">
          {turn.sources.map((source) => (
            <li key={source.number}>
              <a class="break" dir="auto" href={to(`/agents/${agent}`, { tab: "knowledge", item: source.item_id })}>
                <span class="number">{source.number}</span> {source.title}
              </a>
            </li>
          ))}
        </ol>
      )}
      {(turn.actions.length > 0 || turn.state === "stopped") && (
        <div class="row">
          {turn.actions.map((action) => (
            <Badge key={action} tone="info">
              {ACTIONS[action] ?? action.replace(/_/g, " ")}
            </Badge>
          ))}
          {turn.state === "stopped" && <Badge tone="warning">Stopped; what came is charged</Badge>}
        </div>
      )}
      {turn.usage || turn.facts ? (
        onChoose ? (
          <button type="button" class="taken" aria-pressed={chosen} onClick={() => onChoose(turn)}>
            {words}
          </button>
        ) : (
          <p class="taken">{words}</p>
        )
      ) : null}
      {turn.problem && <ErrorNote problem={turn.problem} retry={retry} {...(turn.problem.status === 0 ? { safe: "If it was answered in the meantime, Try again shows that answer and charges nothing twice." } : {})} />}
      {turn.state === "stopped" && retry && (
        <div class="row">
          <Button icon="refresh" onClick={retry}>
            Ask again
          </Button>
        </div>
      )}
    </div>
  );
}

const ACTIONS: Record<string, string> = { hand_off: "Offers a person", collect_lead: "Asks for contact details" };

/** "812 tokens, USD 0.0031, 420 ms, 3 sources". */
export function Taken({ turn }: { turn: Turn }) {
  const buckets = turn.facts ?? turn.usage;
  const parts = [buckets?.input_tokens, buckets?.cached_input_tokens, buckets?.output_tokens, buckets?.reasoning_tokens];
  const known = parts.every((part) => part !== null && part !== undefined);
  const sum = known ? parts.reduce<number>((all, part) => all + (part ?? 0), 0) : undefined;
  return (
    <>
      {[known ? `${buckets?.estimated ? "~" : ""}${tokens(sum)}` : "tokens pending", turn.facts && known ? written(turn.facts.charge, { pending: false, estimated: turn.facts.estimated }) : "charge pending", turn.facts && duration(turn.facts.latency_ms), turn.sources.length > 0 && plural(turn.sources.length, "source")]
        .filter(Boolean)
        .join(", ")}
    </>
  );
}

function Composer({ chat, name }: { chat: Talk; name: string }) {
  const [text, setText] = useState("");
  const field = useRef<HTMLTextAreaElement>(null);
  const send = () => {
    if (!text.trim() || chat.busy) return;
    chat.send(text.trim());
    setText("");
    field.current?.focus();
  };
  const long = text.length > 3600;
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <textarea
        ref={field}
        class="input"
        rows={1}
        aria-label="Message"
        placeholder={`Message to ${name}`}
        dir="auto"
        maxLength={4000}
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
            event.preventDefault();
            send();
          }
        }}
      />
      {chat.busy ? (
        <Button icon="close" onClick={chat.stop}>
          Stop
        </Button>
      ) : (
        <Button kind="primary" icon="send" submit disabled={!text.trim() && "Write something first"}>
          Send
        </Button>
      )}
      {long && <span class="muted number">{count(4000 - text.length)} characters left</span>}
    </form>
  );
}

/** What a screen reader hears: that the answer comes, then the answer once, not each word. */
function Heard({ turn, name }: { turn: Turn | undefined; name: string }) {
  const [words, setWords] = useState("");
  const state = turn?.state;
  useEffect(() => {
    if (!turn || !state) return setWords("");
    if (state === "waiting" || state === "streaming") return setWords(`${name} is answering`);
    setWords(turn.answer.length > 600 ? `${turn.answer.slice(0, 600)}…` : turn.answer);
    const timer = setTimeout(() => setWords(""), 1000);
    return () => clearTimeout(timer);
  }, [turn?.key, state === "streaming" ? "waiting" : state]);
  return (
    <span class="hidden" role="status">
      {words}
    </span>
  );
}
