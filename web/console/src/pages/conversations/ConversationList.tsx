/** The list of conversations: what was asked, of whom, when, and what became of it. */

import { Component } from "preact";
import type { Schemas } from "../../api/client";
import { useAgents } from "../../api/names";
import type { Pages } from "../../api/resource";
import { ago, chargeOf, plural, when } from "../../format";
import { Badge, Button, Empty, Skeleton, State } from "../../parts/basics";
import { ErrorNote } from "../../parts/problem";
import { Part, parts, partOf, WHOLE } from "../../parts/windowed";
import { to } from "../../routing";
import { channelName } from "../channels";
import type { Filters } from "./filters";

type Item = Schemas["ConversationItem"];

export function ConversationList({ pages, current, filters, open, clear }: { pages: Pages<Item>; current: string | undefined; filters: Filters; open: (id: string) => string; clear: () => void }) {
  const agents = useAgents();
  if (pages.loading) return <Skeleton lines={8} />;
  const filtered = Object.keys(filters).length > 0;
  return (
    <div class="stack">
      {pages.problem && <ErrorNote problem={pages.problem} retry={pages.again} />}
      {pages.items.length > 0 && (
        <div class="talk-items" role="list">
          {parts(pages.items.length).map((begin) => {
            const shown = partOf(pages.items, begin);
            return (
              <Part key={begin} windowed={pages.items.length > WHOLE} rows={shown.length} row={ROW} first={begin === 0}>
                {() => shown.map((one) => <Row key={one.id} one={one} agent={agents.name(one.agent_id)} href={open(one.id)} current={one.id === current} />)}
              </Part>
            );
          })}
        </div>
      )}
      {!pages.items.length && !pages.problem && (pages.more ? <Empty title="Nothing among the latest">Many conversations were read and none fits. Older ones may.</Empty> : filtered ? (
        <Empty
          title="No conversation fits"
          action={<Button onClick={clear}>Clear filters</Button>}
        >
          Search finds whole words of what visitors and agents said.
        </Empty>
      ) : (
        <Empty
          title="No conversations yet"
          action={
            <Button kind="primary" href={to("/widgets")}>
              Get the embed code
            </Button>
          }
        >
          They appear here as soon as a visitor writes to a widget, or you try an agent in its playground.
        </Empty>
      ))}
      {pages.more && (
        <div class="row">
          <Button busy={pages.busy} onClick={() => void pages.more?.()}>
            {filtered ? "Search older ones" : "Load more"}
          </Button>
          <span class="muted">{pages.items.length} shown</span>
        </div>
      )}
    </div>
  );
}

/** Pixels of a row, about. */
const ROW = 90;

interface RowProps {
  one: Item;
  agent: string;
  href: string;
  current: boolean;
}

/** A row is drawn anew only when it changed: a further page costs what it brings, not what is there already. */
class Row extends Component<RowProps> {
  override shouldComponentUpdate(next: RowProps) {
    const now = this.props;
    return now.one !== next.one || now.agent !== next.agent || now.href !== next.href || now.current !== next.current;
  }

  override render({ one, agent, href, current }: RowProps) {
    return (
      <div role="listitem" class="talk-item">
        <a class="talk" href={`#${href}`} aria-current={current ? "page" : undefined}>
          <span class="talk-title" dir="auto">
            {one.title || "No words yet"}
          </span>
          <time class="number muted" dateTime={one.updated_at} title={when(one.updated_at)}>
            {ago(one.updated_at)}
          </time>
          <span class="muted break" dir="auto">
            {agent}
          </span>
          <span class="number muted">{chargeOf(one)}</span>
          <span class="row talk-states">
            <span class="muted">
              {channelName(one.channel)}, {plural(one.turns, "turn")}
            </span>
            {one.outcome && one.outcome !== "completed" && <State of={one.outcome} />}
            {one.handed_off && (
              <Badge tone="info" icon="hand">
                Handed off
              </Badge>
            )}
            {one.has_lead && (
              <Badge tone="info" icon="person">
                Lead
              </Badge>
            )}
            {one.rating && <Stars rating={one.rating} />}
            {one.resolved && <State of="resolved" />}
          </span>
        </a>
      </div>
    );
  }
}

/** "4 of 5". */
export function Stars({ rating }: { rating: number }) {
  return (
    <Badge tone={rating >= 4 ? "success" : rating <= 2 ? "danger" : "neutral"} icon={rating >= 3 ? "thumbUp" : "thumbDown"}>
      {rating} of 5
    </Badge>
  );
}
