/** Makes elements. Text enters as text nodes only; nothing here can turn a string into markup, script or style. */

import { blocks } from "./format";
import type { Inline } from "./format";

type Attributes = Readonly<Record<string, string | number>>;

/** An element with attributes and children. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, `${value}`);
  element.append(...children);
  return element;
}

/** A button that never sends a form; one that shows an icon has its `label` as name and tip. */
export function button(
  style: string,
  label: string,
  children: readonly (Node | string)[],
  click: () => unknown,
): HTMLButtonElement {
  const named: Attributes = children[0] === label ? { dir: "auto" } : { "aria-label": label, title: label };
  const made = h("button", { type: "button", class: style, ...named }, ...children);
  made.addEventListener("click", click);
  return made;
}

const SVG = "http://www.w3.org/2000/svg";

/** A decorative icon of 24 units, drawn by one path. */
export function icon(path: string): SVGSVGElement {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const drawn = document.createElementNS(SVG, "path");
  drawn.setAttribute("d", path);
  svg.append(drawn);
  return svg;
}

/** A link that leaves the page without giving it away; `noreferrer` means `noopener`, too. */
export function link(url: string, ...children: readonly (Node | string)[]): HTMLAnchorElement {
  return h("a", { href: url, target: "_blank", rel: "noreferrer" }, ...children);
}

function parts(inline: readonly Inline[], sources: ReadonlyMap<number, string>): (Node | string)[] {
  return inline.map((part) => {
    if (typeof part === "string") return part;
    if ("tag" in part) return h(part.tag, {}, ...parts(part.parts, sources));
    if ("url" in part) return link(part.url, part.label);
    const url = sources.get(part.source);
    const shown = `[${part.source}]`;
    // A number in brackets that names no source of this answer is just that.
    return url === undefined ? shown : h("sup", {}, url ? link(url, shown) : shown);
  });
}

/** The nodes that show `source`; `sources` gives the address (or "") of each numbered source. */
export function formatted(source: string, sources: ReadonlyMap<number, string>): Node[] {
  return blocks(source).map((block) => {
    if ("code" in block) return h("pre", {}, h("code", {}, block.code));
    if ("lines" in block) {
      const lines = block.lines.flatMap((line, at) => [...(at ? [h("br")] : []), ...parts(line, sources)]);
      return h("p", {}, ...lines);
    }
    const items = block.items.map((item) => h("li", {}, ...parts(item, sources)));
    return block.start ? h("ol", { start: block.start }, ...items) : h("ul", {}, ...items);
  });
}
