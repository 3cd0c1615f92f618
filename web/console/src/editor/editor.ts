/**
 * CodeMirror for an agent's YAML.
 *
 * It lives in a shadow root: there it writes its styles as constructed style sheets, which a policy without
 * `unsafe-inline` allows. Tab leaves the editor, as every field; Escape closes the list of completions.
 */

import { autocompletion, type Completion, type CompletionContext, type CompletionResult, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { HighlightStyle, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { type Diagnostic, lintGutter, setDiagnostics } from "@codemirror/lint";
import { Compartment, EditorState } from "@codemirror/state";
import { EditorView, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { pathTo, type Schema } from "./schema";

export interface Mark {
  line: number;
  column: number;
  message: string;
  severity: "error" | "warning";
}

export interface Choices {
  /** Values for a path such as `model/id`, beside those that the schema names; the word shown beside each. */
  [path: string]: [value: string, label: string][];
}

export interface Options {
  text: string;
  label: string;
  readOnly: boolean;
  onChange: (text: string) => void;
}

export interface Editor {
  text: () => string;
  /** Replace the whole text, as one step that can be undone. */
  replace: (text: string) => void;
  mark: (marks: readonly Mark[]) => void;
  jump: (line: number, column: number) => void;
  teach: (schema: Schema, choices: Choices) => void;
  destroy: () => void;
}

const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--accent)" },
  { tag: [tags.string, tags.content], color: "var(--text)" },
  { tag: [tags.number, tags.bool, tags.null, tags.keyword], color: "var(--success)" },
  { tag: [tags.comment, tags.lineComment], color: "var(--text-muted)", fontStyle: "italic" },
  { tag: [tags.punctuation, tags.separator, tags.squareBracket, tags.brace], color: "var(--text-muted)" },
]);

const look = EditorView.theme({
  "&": { height: "100%", backgroundColor: "var(--surface)", color: "var(--text)", fontSize: "0.8125rem" },
  "&.cm-focused": { outline: "2px solid var(--focus)", outlineOffset: "-2px" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.25rem", overflow: "auto" },
  ".cm-content": { caretColor: "var(--text)", padding: "8px 0" },
  ".cm-gutters": { backgroundColor: "var(--surface-alt)", color: "var(--text-muted)", border: "0", borderInlineEnd: "1px solid var(--border)" },
  ".cm-activeLine": { backgroundColor: "color-mix(in srgb, var(--surface-selected) 45%, transparent)" },
  ".cm-content ::selection": { backgroundColor: "var(--surface-selected)" },
  ".cm-tooltip": { backgroundColor: "var(--surface-raised)", color: "var(--text)", border: "1px solid var(--border)", borderRadius: "8px", boxShadow: "var(--shadow)", fontFamily: "var(--sans)" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": { fontFamily: "var(--mono)", maxHeight: "240px" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li": { padding: "4px 12px", lineHeight: "1.25rem" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--surface-selected)", color: "var(--text)" },
  ".cm-completionDetail": { color: "var(--text-muted)", fontStyle: "normal" },
  ".cm-completionInfo": { padding: "8px 12px", maxWidth: "280px" },
  ".cm-diagnostic": { padding: "8px 12px", borderInlineStart: "0" },
  ".cm-diagnosticText": { fontFamily: "var(--sans)" },
  ".cm-panels": { backgroundColor: "var(--surface-alt)", color: "var(--text)" },
  ".cm-searchMatch": { backgroundColor: "var(--warning-soft)" },
});

function completed(schema: Schema, choices: Choices, context: CompletionContext): CompletionResult | null {
  const { state, pos } = context;
  const here = state.doc.lineAt(pos);
  const before = here.text.slice(0, pos - here.from);
  const lines = state.doc.toString().split("\n");
  const at = here.number - 1;

  const value = /^( *)((?:- +)*)([\w-]+): +(\S*)$/.exec(before);
  if (value) {
    const path = [...pathTo(lines, at, value[1]!.length + value[2]!.length, false), value[3]!];
    return offered(valuesOf(path), pos - value[4]!.length);
  }
  const key = /^( *)((?:- +)*)([\w-]*)$/.exec(before);
  if (!key || (!key[3] && !context.explicit && !before.trim())) return null;
  const column = key[1]!.length + key[2]!.length;
  const path = pathTo(lines, at, key[2] ? key[1]!.length : column, Boolean(key[2]));
  const from = pos - key[3]!.length;
  const inList = schema.at(path)?.type === "array";
  if (inList && key[2]) {
    const values = valuesOf(path);
    if (values.length) return offered(values, from);
  }
  const siblings = new Set(lines.filter((text, i) => i !== at && text.startsWith(" ".repeat(column)) && text[column] !== " ").map((text) => text.slice(column).split(":")[0]!));
  const options = schema
    .keys(path)
    .filter(([name]) => column > 0 || !siblings.has(name))
    .map<Completion>(([name, node]) => ({
      label: name,
      type: "property",
      detail: node.enum ? "choice" : (node.type ?? ""),
      ...(node.description ? { info: node.description } : {}),
      apply: node.type === "object" || node.type === "array" ? `${name}:\n${" ".repeat(column + 2)}${node.type === "array" ? "- " : ""}` : `${name}: `,
    }));
  return options.length ? { from, options, validFor: /^[\w-]*$/ } : null;

  function valuesOf(of: string[]): [string, string][] {
    return [...schema.values(of).map<[string, string]>((one) => [one, ""]), ...(choices[of.join("/")] ?? [])];
  }
}

function offered(values: [string, string][], from: number): CompletionResult | null {
  if (!values.length) return null;
  return { from, options: values.map(([label, detail]) => ({ label, type: "enum", ...(detail ? { detail } : {}) })), validFor: /^[\w./-]*$/ };
}

/** The first search fetches the panel, whose own keys take over then. */
function searching(view: EditorView): boolean {
  if (searchable.has(view)) return false;
  searchable.add(view);
  void import("./find").then(({ find }) => find(view));
  return true;
}
const searchable = new WeakSet<EditorView>();

export function createEditor(host: HTMLElement, { text, label, readOnly, onChange }: Options): Editor {
  const root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
  root.replaceChildren();
  const completion = new Compartment();
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: text,
      extensions: [
        lineNumbers(),
        highlightActiveLine(),
        history(),
        lintGutter(),
        yaml(),
        indentUnit.of("  "),
        EditorState.tabSize.of(2),
        EditorState.readOnly.of(readOnly),
        syntaxHighlighting(colours),
        look,
        completion.of([]),
        keymap.of([...completionKeymap, ...defaultKeymap, ...historyKeymap, { key: "Mod-f", run: searching }]),
        EditorView.contentAttributes.of({ "aria-label": label, tabindex: "0", ...(readOnly ? { "aria-readonly": "true" } : {}) }),
        EditorView.updateListener.of((update) => update.docChanged && onChange(update.state.doc.toString())),
      ],
    }),
  });
  // Without a rule of its own the editor would not fill its host.
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(":host { display: block; } .cm-editor { block-size: 100%; }");
  root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];

  const offset = (line: number, column: number) => {
    const found = view.state.doc.line(Math.min(Math.max(1, line), view.state.doc.lines));
    return Math.min(found.from + Math.max(0, column - 1), found.to);
  };
  return {
    text: () => view.state.doc.toString(),
    replace: (next) => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: next } }),
    mark: (marks) => {
      const diagnostics = marks.map<Diagnostic>(({ line, column, message, severity }) => {
        const from = offset(line, column);
        return { from, to: Math.max(from, view.state.doc.lineAt(from).to), message, severity };
      });
      view.dispatch(setDiagnostics(view.state, diagnostics));
    },
    jump: (line, column) => {
      const at = offset(line, column);
      view.dispatch({ selection: { anchor: at }, effects: EditorView.scrollIntoView(at, { y: "center" }) });
      view.focus();
    },
    teach: (schema, choices) => view.dispatch({ effects: completion.reconfigure(autocompletion({ override: [(context) => completed(schema, choices, context)] })) }),
    destroy: () => view.destroy(),
  };
}
