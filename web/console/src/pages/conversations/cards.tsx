/** What a visitor left beside the talk: the wish for a person, contact details, a rating. */

import type { Schemas } from "../../api/client";
import { ago, when } from "../../format";
import { Card, Facts } from "../../parts/basics";
import { Stars } from "./ConversationList";
import { Work, WorkState } from "./handling";

type HandOff = Schemas["functions__analytics__models__HandOff"];
type Lead = Schemas["Lead"];

export function HandOffCard({ conversation, handOff, changed, reread }: { conversation: string; handOff: HandOff; changed: (now: Partial<HandOff>) => void; reread: () => Promise<void> }) {
  return (
    <Card title="Hand-off" level={3} aside={<WorkState state={handOff.state} since={handOff.asked_at ? `asked ${ago(handOff.asked_at)}` : ""} takenBy={handOff.taken_by} />}>
      {handOff.note && (
        <blockquote class="break" dir="auto">
          “{handOff.note}”
        </blockquote>
      )}
      <Work
        wish="hand-off"
        conversation={conversation}
        state={handOff.state}
        takenBy={handOff.taken_by}
        note={handOff.staff_note}
        changed={(now) => changed({ state: now.state, taken_by: now.taken_by, staff_note: now.note })}
        reread={reread}
      />
    </Card>
  );
}

export function LeadCard({ conversation, lead, changed, reread }: { conversation: string; lead: Lead; changed: (now: Partial<Lead>) => void; reread: () => Promise<void> }) {
  return (
    <Card title="Contact details" level={3} aside={<WorkState state={lead.state} since={`left ${ago(lead.left_at)}`} takenBy={lead.taken_by} />}>
      <Facts
        of={[
          ["Name", <span dir="auto">{lead.name || "–"}</span>],
          ["Email", <Mail address={lead.email} />],
          ...(lead.phone ? [["Phone", <a href={`tel:${lead.phone.replace(/[^\d+]/g, "")}`}>{lead.phone}</a>] satisfies [string, preact.ComponentChildren]] : []),
          ...(lead.message ? [["Message", <span dir="auto">{lead.message}</span>] satisfies [string, preact.ComponentChildren]] : []),
          ["Agreed to", <span dir="auto">{lead.consent ? `“${lead.consent}”` : "Nothing: no consent was asked for"}</span>],
          ["Left", when(lead.left_at)],
        ]}
      />
      <Work
        wish="lead"
        conversation={conversation}
        state={lead.state}
        takenBy={lead.taken_by}
        note={lead.staff_note}
        changed={(now) => changed({ state: now.state, taken_by: now.taken_by, staff_note: now.note })}
        reread={reread}
      />
    </Card>
  );
}

export function Mail({ address }: { address: string }) {
  return address ? <a href={`mailto:${encodeURIComponent(address).replace("%40", "@")}`}>{address}</a> : <>–</>;
}

export function RatingCard({ rating, comment }: { rating: number | null; comment: string }) {
  return (
    <Card title="Rating" level={3} aside={rating ? <Stars rating={rating} /> : undefined}>
      <blockquote class="break" dir="auto">
        “{comment}”
      </blockquote>
    </Card>
  );
}
