/** The columns of the list of exports: what, how far, how large, and the way to the file. */

import type { Schemas } from "../../api/client";
import { billingDay, bytes, day, plural, when } from "../../format";
import { Bar, Badge, State } from "../../parts/basics";
import { today } from "../../parts/range";
import type { Column } from "../../parts/table";
import { workspace } from "../../session/session";
import { Download } from "./Download";
import { FORMATS, KINDS, reason } from "./kinds";

type Export = Schemas["Export"];

export const columns = (nameOf: (id: string) => string): Column<Export>[] => [
  {
    id: "what",
    head: "What",
    card: "title",
    cell: (one) => (
      <span class="stack tight">
        <span>{KINDS[one.kind].label}</span>
        <span class="muted about">
          {spanOf(one)}
          {one.agent_id && (
            <>
              , <span dir="auto">{nameOf(one.agent_id)}</span>
            </>
          )}
        </span>
      </span>
    ),
  },
  { id: "state", head: "State", card: "status", cell: (one) => <Progress one={one} /> },
  { id: "format", head: "Format", card: "detail", cell: (one) => FORMATS[one.format] },
  { id: "rows", head: "Rows", card: "figure", number: true, cell: (one) => (one.state === "done" ? plural(one.rows, "row") : "–") },
  { id: "size", head: "Size", card: "figure", number: true, cell: (one) => (one.bytes === null ? "–" : bytes(one.bytes)) },
  { id: "at", head: "Asked for", card: "detail", number: true, cell: (one) => <time dateTime={one.created_at}>{when(one.created_at)}</time> },
  { id: "file", head: <span class="hidden">File</span>, card: "detail", number: true, cell: (one) => <File one={one} /> },
];

/** Days of the workspace's calendar, wherever it is read. `to` is the first moment that is not in it: the last day is the one before. */
function spanOf({ from, to }: Export): string {
  if (!from && !to) return "Everything there is";
  const inZone = (moment: number) => billingDay(today(workspace.value?.time_zone ?? "UTC", new Date(moment)));
  const last = to ? inZone(Date.parse(to) - 1) : "today";
  return from ? `${inZone(Date.parse(from))} to ${last}` : `Up to ${last}`;
}

function Progress({ one }: { one: Export }) {
  if (one.state === "failed")
    return (
      <span class="stack tight">
        <span>
          <State of="failed" />
        </span>
        <span class="muted about">{reason(one.error)}</span>
      </span>
    );
  if (one.state === "done") return <Badge tone="success">Ready</Badge>;
  const share = one.rows_expected ? Math.min(0.99, one.rows / one.rows_expected) : undefined;
  return (
    <span class="stack tight progress">
      <span>
        <State of={one.state} />
      </span>
      {one.state === "running" && share !== undefined && <Bar share={share} plain label={`Progress of ${KINDS[one.kind].label}`} />}
      {one.rows > 0 && (
        <span class="muted about number">
          {one.rows_expected ? `${plural(one.rows, "row")} of about ${plural(one.rows_expected, "row")}` : plural(one.rows, "row")}
        </span>
      )}
    </span>
  );
}

function File({ one }: { one: Export }) {
  if (one.state !== "done") return null;
  return (
    <span class="stack tight file">
      <Download one={one} />
      <span class="muted about">Kept until {day(one.expires_at)}</span>
    </span>
  );
}
