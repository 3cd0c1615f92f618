/** Turns the text of an answer into a small model of what may be shown: the model's words never become markup. */

export type Inline =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "code"; readonly text: string }
  | { readonly kind: "bold"; readonly parts: readonly Inline[] }
  | { readonly kind: "link"; readonly text: string; readonly url: string }
  | { readonly kind: "cite"; readonly number: number };

export type Block =
  | { readonly kind: "paragraph"; readonly lines: readonly (readonly Inline[])[] }
  | { readonly kind: "code"; readonly text: string }
  | { readonly kind: "list"; readonly start: number; readonly items: readonly (readonly Inline[])[] };

// Every repetition is bounded, so that no text, however crafted, makes the expression slow.
const INLINE =
  /`([^`\n]{1,400})`|\*\*([^*\n]{1,400})\*\*|\[([^\][\n]{1,300})\]\((https?:\/\/[^\s)]{1,2000})\)|(https?:\/\/[^\s<>"')\]]{0,1999}[^\s<>"')\].,;:!?*])|\[(\d{1,2})\]/gi;

/** The parts of one line: text, `code`, **bold**, links to http(s) addresses and [1] as a reference to a source. */
export function inline(line: string): Inline[] {
  const parts: Inline[] = [];
  let end = 0;
  for (const found of line.matchAll(INLINE)) {
    const [whole, code, bold, label, url, bare, cite] = found;
    if (found.index > end) parts.push({ kind: "text", text: line.slice(end, found.index) });
    end = found.index + whole.length;
    if (code) parts.push({ kind: "code", text: code });
    else if (bold) parts.push({ kind: "bold", parts: inline(bold) });
    else if (label && url) parts.push({ kind: "link", text: label, url });
    else if (bare) parts.push({ kind: "link", text: bare, url: bare });
    else parts.push({ kind: "cite", number: Number(cite) });
  }
  if (end < line.length) parts.push({ kind: "text", text: line.slice(end) });
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
    if (lines.length) found.push({ kind: "paragraph", lines });
    if (items.length) found.push({ kind: "list", start, items });
    lines = [];
    items = [];
  };

  for (const line of source.split(/\r?\n/)) {
    if (/^\s*```/.test(line)) {
      if (fence) found.push({ kind: "code", text: fence.join("\n") });
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
      lines.push(heading ? [{ kind: "bold", parts: inline(heading) }] : inline(line));
    }
  }
  // A fence that is still open belongs to an answer that is still streaming.
  if (fence) found.push({ kind: "code", text: fence.join("\n") });
  close();
  return found;
}
