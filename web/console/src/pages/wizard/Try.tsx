/** The draft, answering in the real widget: beside the form, or as a sheet where there is no room. */

import type { ComponentChildren } from "preact";
import { useMemo, useRef, useState } from "preact/hooks";
import { asProblem } from "../../api/problem";
import { Taken } from "../../chat/Chat";
import type { Chat as Talk } from "../../chat/useChat";
import { fine } from "../../format";
import { Button, Skeleton } from "../../parts/basics";
import { Dialog } from "../../parts/dialog";
import { ErrorNote } from "../../parts/problem";
import { type Carry, Frames } from "../../preview/Frames";
import type { Carried, Show } from "../../preview/protocol";
import { config } from "../../session/config";
import { isDark } from "../../shell/theme";
import { imagined, rightToLeft } from "../widgets/model";
import { usePublic } from "../widgets/Preview";
import { sum } from "./cost";
import type { Agent, DraftForm } from "./draft";
import type { Wish } from "./Wizard";

export function Try({ agent, form, chat, wish }: { agent: Agent; form: DraftForm; chat: Talk; wish: Wish }) {
  const charges = chat.turns.flatMap((turn) => (turn.facts ? [turn.facts.charge] : []));
  const total = sum(charges);
  const last = chat.turns.at(-1);
  return (
    <div class="stack tight">
      <div class="row between">
        <h2 class="card-title">Try it</h2>
        {chat.turns.length > 0 && (
          <Button kind="quiet" icon="refresh" onClick={chat.clear}>
            Begin anew
          </Button>
        )}
      </div>
      <p class="muted" role="status">
        Turns are charged{total ? `: ${fine(total)} so far` : ", also here"}.
      </p>
      {form.dirty.length > 0 && (
        <div class="row between">
          <span class="muted grow">It does not know your last changes yet.</span>
          <Button busy={form.busy} onClick={() => void form.save()}>
            Save now
          </Button>
        </div>
      )}
      <Room agent={agent} form={form} chat={chat} wish={wish} />
      {last && (last.usage || last.facts) && (
        <p class="muted">
          <Taken turn={last} />
        </p>
      )}
      {last && last.actions.length > 0 && <p class="muted">Here a wish for a person and contact details are only shown: nobody gets them.</p>}
      {last?.problem && <ErrorNote problem={last.problem} />}
    </div>
  );
}

/** The widget as it would stand on a site, with the look and the words that are chosen so far. */
function Room({ agent, form, chat, wish }: { agent: Agent; form: DraftForm; chat: Talk; wish: Wish }) {
  const { language, greeting, sample_questions } = form.values;
  const shown = usePublic(imagined(agent.id, wish.theme, language, greeting, sample_questions.slice(0, 4)));
  const carry = useCarrying(chat);
  const begun = useRef({ number: 1, turns: 0 });
  if (chat.turns.length < begun.current.turns) begun.current.number += 1;
  begun.current.turns = chat.turns.length;
  const next: Show | undefined = shown.data && { type: "show", public: shown.data.public, cdn: config().cdn_url, state: "open", dark: isDark(), locale: language, live: begun.current.number };
  // An answer that is on its way ends in the frame in which it began.
  const now = useRef(next);
  if (!chat.busy || !now.current) now.current = next;
  if (shown.problem && !now.current) return <ErrorNote problem={shown.problem} retry={shown.retry} />;
  if (!now.current) return <Skeleton lines={10} />;
  return (
    <div dir={rightToLeft(language) ? "rtl" : "ltr"}>
      <Frames size="fill" show={now.current} carry={carry} />
    </div>
  );
}

/** Answers the calls of the widget by the playground's route, and what was said before by what is kept here. */
function useCarrying(chat: Talk): Carry {
  const latest = useRef(chat);
  latest.current = chat;
  return useMemo<Carry>(
    () => async (call, port) => {
      const { relay, turns, conversation, stop } = latest.current;
      const give = (piece: Carried) => port.postMessage(piece);
      const whole = (status: number, body: object, retryAfter: number | null = null) => {
        give({ status, type: "application/json", retryAfter });
        give(JSON.stringify(body));
        give(null);
      };
      if (call.method === "GET") {
        const said = turns.filter((turn) => turn.state === "done" || turn.state === "stopped");
        const messages = said.flatMap(({ id, message, answer, sources }) => [
          { role: "visitor", text: message },
          { role: "agent", message_id: id ?? "", text: answer, sources },
        ]);
        return whole(200, { conversation_id: conversation ?? null, messages });
      }
      let begun = false;
      let over = false;
      port.onmessage = () => !over && stop();
      try {
        await relay((JSON.parse(call.body) as { message: string }).message, call.key, ({ name, data }) => {
          if (!begun) give({ status: 200, type: "text/event-stream", retryAfter: null });
          begun = true;
          give(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
        });
        over = true;
        give(null);
      } catch (error) {
        over = true;
        const problem = asProblem(error);
        // A stream that broke says nothing more: the widget asks again with the same key.
        if (begun) give(null);
        else whole(problem.status || 503, { status: problem.status || 503, code: problem.code }, problem.retryAfter);
      }
    },
    [],
  );
}

/** "Try it" opens the chat as a sheet; the conversation stays when it is closed. */
export function TryButton({ beside }: { beside: ComponentChildren }) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button icon="conversations" onClick={() => setOpen(true)}>
        Try it
      </Button>
      {open && (
        <Dialog title="Your draft" onClose={() => setOpen(false)}>
          {beside}
        </Dialog>
      )}
    </>
  );
}
