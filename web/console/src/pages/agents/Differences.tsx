/** What differs between two versions, by section and field: texts by line and word, lists by item, long stretches that are the same folded. */

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type { Schemas } from "../../api/client";
import { plural } from "../../format";
import { Button } from "../../parts/basics";

type Line = Schemas["TextLine"];
type Kind = Line["kind"];
type Change = Schemas["FieldChange"];

/** Characters of an unchanged stretch that stay beside a change, and from how many on the rest is folded. */
const NEAR = 40;
const LONG = 3 * NEAR;

const words = (value: unknown): string => (value === null || value === undefined || value === "" ? "(nothing)" : typeof value === "boolean" ? (value ? "Yes" : "No") : String(value));
const named = (name: string) => name.charAt(0).toUpperCase() + name.slice(1).replace(/[._/]/g, " ");

/** The differences as the API gives them; `turned`: read from the later one to the earlier one. */
export function Differences({ sections, turned, first }: { sections: Schemas["SectionChange"][]; turned: boolean; first: boolean }) {
  if (!sections.length) return <p class="muted">{first ? "This is the first version: there is nothing before it." : "Nothing differs between these two."}</p>;
  return (
    <div class="stack loose">
      {sections.map((section) => (
        <section key={section.section} class="stack">
          <h3>{named(section.section)}</h3>
          {section.changes.map((field) => (
            <Field key={field.field} field={turned ? back(field) : field} />
          ))}
        </section>
      ))}
    </div>
  );
}

const OTHER: Record<Kind, Kind> = { kept: "kept", removed: "added", added: "removed" };

/** The same change on the way back. */
function back(field: Change): Change {
  const { before, after, added, removed, lines } = field;
  return { ...field, before: after, after: before, added: removed ?? null, removed: added ?? null, lines: lines?.map((line) => ({ ...line, kind: OTHER[line.kind] })) ?? null };
}

function Field({ field }: { field: Change }) {
  const [whole, setWhole] = useState(false);
  const rows = field.lines ? stretches(field.lines) : [];
  const folds = rows.some((row) => row.hidden.length > 0 || row.shown.some((line) => line.pieces.some((piece) => !piece.changed && [...piece.text].length > LONG)));
  const turn = whole ? "Show what changed only" : "Show the whole text";
  return (
    <div class="stack tight">
      <h4>{named(field.field)}</h4>
      <ul class="diff">
        {field.lines ? (
          rows.map((row) => (
            <>
              {row.shown.map((line) => (
                <OneLine kind={line.kind}>
                  <Pieces line={line} whole={whole} />
                </OneLine>
              ))}
              {whole ? row.hidden.map((line) => <OneLine kind="kept">{textOf(line)}</OneLine>) : row.hidden.length > 0 && <li class="folded muted">{plural(row.hidden.length, "unchanged line")}</li>}
            </>
          ))
        ) : field.added || field.removed ? (
          <>
            {field.removed?.map((item) => <OneLine kind="removed">{item}</OneLine>)}
            {field.added?.map((item) => <OneLine kind="added">{item}</OneLine>)}
            {!field.added?.length && !field.removed?.length && <li class="muted">The same items in another order.</li>}
          </>
        ) : (
          <>
            <OneLine kind="removed">{words(field.before)}</OneLine>
            <OneLine kind="added">{words(field.after)}</OneLine>
          </>
        )}
      </ul>
      {folds && (
        <div class="row">
          <Button kind="quiet" onClick={() => setWhole(!whole)} label={`${turn}: ${named(field.field)}`}>
            {turn}
          </Button>
        </div>
      )}
    </div>
  );
}

interface Stretch {
  shown: Line[];
  /** Unchanged lines that follow and are not next to a change. */
  hidden: Line[];
}

/** Lines in their order: changed ones with one line around them, the rest folded. Removed lines stand before the added ones. */
function stretches(lines: Line[]): Stretch[] {
  const found: Stretch[] = [{ shown: [], hidden: [] }];
  const near = (at: number) => lines.slice(Math.max(0, at - 1), at + 2).some((line) => line.kind !== "kept");
  for (let at = 0; at < lines.length; ) {
    let end = at;
    while (end < lines.length && (lines[end]!.kind === "kept") === (lines[at]!.kind === "kept")) end++;
    const run = lines.slice(at, end);
    if (run[0]!.kind !== "kept") found.at(-1)!.shown.push(...run.filter((line) => line.kind === "removed"), ...run.filter((line) => line.kind === "added"));
    else {
      // Folding a single line would save nothing.
      const hidden = run.filter((_, index) => !near(at + index));
      const fold = hidden.length > 1 ? new Set(hidden) : new Set<Line>();
      for (const line of run) {
        if (fold.has(line)) found.at(-1)!.hidden.push(line);
        else {
          if (found.at(-1)!.hidden.length) found.push({ shown: [], hidden: [] });
          found.at(-1)!.shown.push(line);
        }
      }
      if (found.at(-1)!.hidden.length) found.push({ shown: [], hidden: [] });
    }
    at = end;
  }
  return found;
}

const textOf = (line: Line): string => line.pieces.map((piece) => piece.text).join("");

/** A line; where it is another line's new form, with the words that differ marked, and what is the same between them cut. */
function Pieces({ line, whole }: { line: Line; whole: boolean }) {
  const marks = line.pieces.some((piece) => !piece.changed);
  const Mark = line.kind === "added" ? "ins" : "del";
  const last = line.pieces.length - 1;
  return (
    <>
      {line.pieces.map((piece, at) => (piece.changed ? marks ? <Mark>{piece.text}</Mark> : piece.text : whole ? piece.text : cut(piece.text, at > 0 || !last, at < last || !last)))}
    </>
  );
}

/** A long unchanged text without what is far from a change. */
function cut(text: string, beginning: boolean, end: boolean): string {
  // Signs, not code units: half of a letter is none.
  const signs = [...text];
  if (signs.length <= LONG) return text;
  // At the ends a word that would be cut in two is left out.
  const head = beginning ? `${signs.slice(0, NEAR).join("").replace(/\s\S{0,15}$/, "")} ` : "";
  const tail = end ? ` ${signs.slice(-NEAR).join("").replace(/^\S{0,15}\s/, "")}` : "";
  return `${head}…${tail}`;
}

const SIGNS: Record<Kind, string> = { kept: "", removed: "−", added: "+" };
const SAID: Record<Kind, string> = { kept: "", removed: "Before: ", added: "Now: " };

function OneLine({ kind, children }: { kind: Kind; children: ComponentChildren }) {
  return (
    <li class={kind}>
      <span aria-hidden="true">{SIGNS[kind]}</span>
      <span class="break" dir="auto">
        {SAID[kind] && <span class="hidden">{SAID[kind]}</span>}
        {children}
      </span>
    </li>
  );
}
