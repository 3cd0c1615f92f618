/** Turns the text of an answer into a small model of what may be shown: the model's words never become markup. */

/** Plain text, code or bold, a link, or a reference to a numbered source. */
export type Inline =
  | string
  | { readonly tag: "code" | "strong"; readonly parts: readonly Inline[] }
  | { readonly url: string; readonly label: string }
  | { readonly source: number };

type Lines = readonly (readonly Inline[])[];

/** A paragraph of lines, fenced code, or a list that counts from `start` (0: bullets). */
export type Block = { readonly lines: Lines } | { readonly code: string } | { readonly items: Lines; readonly start: number };

// Every repetition is bounded, so that no text, however crafted, makes the expression slow.
const INLINE =
  /`([^`\n]{1,400})`|\*\*([^*\n]{1,400})\*\*|\[([^\][\n]{1,300})\]\((https?:\/\/[^\s)]{1,2000})\)|(https?:\/\/[^\s<>"')\]]{0,1999}[^\s<>"')\].,;:!?*])|\[(\d{1,2})\]/gi;

/** The parts of one line: text, `code`, **bold**, links to http(s) addresses and [1] as a reference to a source. */
export function inline(line: string): Inline[] {
  const parts: Inline[] = [];
  let end = 0;
  for (const found of line.matchAll(INLINE)) {
    const [whole, code, bold, label, url, bare, cite] = found;
    if (found.index > end) parts.push(line.slice(end, found.index));
    end = found.index + whole.length;
    if (code) parts.push({ tag: "code", parts: [code] });
    else if (bold) parts.push({ tag: "strong", parts: inline(bold) });
    else if (label && url) parts.push({ url, label });
    else if (bare) parts.push({ url: bare, label: bare });
    else parts.push({ source: Number(cite) });
  }
  if (end < line.length) parts.push(line.slice(end));
  return parts;
}

/** The blocks of a text: paragraphs with line breaks, lists (start 0: bullets) and fenced code. */
export function blocks(source: string): Block[] {
  const found: Block[] = [];
  let lines: Inline[][] = [];
  let items: Inline[][] = [];
  let start = 0;
  let fence: string[] | null = null;

  const close = (): void => {
    if (lines.length) found.push({ lines });
    if (items.length) found.push({ items, start });
    lines = [];
    items = [];
  };

  for (const line of source.split(/\r?\n/)) {
    if (/^\s*```/.test(line)) {
      if (fence) found.push({ code: fence.join("\n") });
      else close();
      fence = fence ? null : [];
      continue;
    }
    if (fence) {
      fence.push(line);
      continue;
    }
    const [, number, item] = /^\s*(?:[-*•]|(\d{1,4})[.)])\s+(.*)$/.exec(line) ?? [];
    if (item !== undefined) {
      const first = number ? Number(number) : 0;
      if (lines.length || (items.length && !start !== !first)) close();
      if (!items.length) start = first;
      items.push(inline(item));
    } else if (!line.trim()) {
      // A blank line between two items of a list does not end the list.
      if (lines.length) close();
    } else {
      if (items.length) close();
      const [, heading] = /^#{1,6}\s+(.*)$/.exec(line) ?? [];
      lines.push(heading ? [{ tag: "strong", parts: inline(heading) }] : inline(line));
    }
  }
  // A fence that is still open belongs to an answer that is still streaming.
  if (fence) found.push({ code: fence.join("\n") });
  close();
  return found;
}
