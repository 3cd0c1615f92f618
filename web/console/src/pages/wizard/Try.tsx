/** The draft, answering: beside the form, or as a sheet where there is no room. */

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type { Chat as Talk } from "../../chat/useChat";
import { Chat } from "../../chat/Chat";
import { fine } from "../../format";
import { Button } from "../../parts/basics";
import { Dialog } from "../../parts/dialog";
import { sum } from "./cost";
import type { Agent, DraftForm } from "./draft";

export function Try({ agent, form, chat }: { agent: Agent; form: DraftForm; chat: Talk }) {
  const charges = chat.turns.flatMap((turn) => (turn.facts ? [turn.facts.charge] : []));
  const total = sum(charges);
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
      <Chat agent={agent.id} name={agent.name} version="draft" greeting={form.values.greeting} suggestions={form.values.sample_questions} chat={chat} />
    </div>
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
