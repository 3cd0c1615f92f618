/** The editor's search panel: fetched when somebody first searches, since most never do. */

import { openSearchPanel, search, searchKeymap } from "@codemirror/search";
import { StateEffect } from "@codemirror/state";
import { type EditorView, keymap } from "@codemirror/view";

/** From now on the editor knows how to search; opens the panel. */
export function find(view: EditorView): void {
  view.dispatch({ effects: StateEffect.appendConfig.of([search({ top: true }), keymap.of(searchKeymap)]) });
  openSearchPanel(view);
}
