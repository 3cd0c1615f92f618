/** One widget: settings beside the widget itself, its code, and whom it may trust. One form over all settings. */

import "../../styles/widgets.css";
import { useState } from "preact/hooks";
import { call } from "../../api/client";
import { useAgents } from "../../api/names";
import { asShown, type Problem } from "../../api/problem";
import { forget, useResource } from "../../api/resource";
import { plural } from "../../format";
import { Skeleton } from "../../parts/basics";
import { Confirm, Menu, toast } from "../../parts/dialog";
import { Segments } from "../../parts/fields";
import { SaveBar, useForm } from "../../parts/form";
import { Page, Tabs } from "../../parts/page";
import { ErrorNote } from "../../parts/problem";
import { goUnasked, to, useQuery, withQuery } from "../../routing";
import { may } from "../../session/session";
import { Behaviour } from "./Behaviour";
import { Avatar, Design } from "./Design";
import { Embed } from "./Embed";
import { Identity } from "./Identity";
import { changeOf, check, languageName, NAMES, unsaved, type Values, valuesOf, type Widget as Stored } from "./model";
import { NoSite } from "./NoSite";
import { Preview, usePublic } from "./Preview";
import { WidgetState } from "./Widgets";
import { Words } from "./Words";

const TABS = { design: "Design", texts: "Texts", behaviour: "Behaviour", embed: "Embed", identity: "Identity" } as const;
type Tab = keyof typeof TABS;

export default function Widget({ widget: id }: { widget: string }) {
  const resource = useResource("/api/widgets/{widget}", { path: { widget: id } });
  const above = <a href={to("/widgets")}>Widgets</a>;
  // The form outlives a failed refresh, what was typed stays; but in another widget's page it has no place.
  if (resource.data) return <Open key={id} widget={resource.data} etag={resource.etag} problem={resource.problem} put={resource.put} reread={resource.reload} above={above} />;
  return (
    <Page title="Widget" above={above}>
      {resource.problem ? <ErrorNote problem={resource.problem} retry={resource.reload} /> : <Skeleton lines={8} />}
    </Page>
  );
}

interface OpenProps {
  widget: Stored;
  etag: string | undefined;
  /** Of the last reading, where `widget` is from before. */
  problem: Problem | undefined;
  put: (widget: Stored, etag?: string) => void;
  reread: () => Promise<void>;
  above: preact.ComponentChildren;
}

function Open({ widget, etag, problem, put, reread, above }: OpenProps) {
  const [query, setQuery] = useQuery();
  const agents = useAgents();
  const [deleting, setDeleting] = useState(false);
  // Who may not change a widget gets its code and nothing to turn.
  const seen = (Object.keys(TABS) as Tab[]).filter((tab) => may("member") || tab === "embed" || tab === "identity");
  const tab = seen.find((one) => one === query.tab) ?? seen[0]!;
  const path = { widget: widget.id };
  const form = useForm<Values>({
    stored: valuesOf(widget),
    etag,
    check,
    save: async (changed, all, tag) => {
      const saved = await call("patch", "/api/widgets/{widget}", { path, body: changeOf(changed, all), etag: tag });
      put(saved.data, saved.etag);
      toast("Saved. Pages show it within a minute");
    },
    reread: async () => {
      const now = await call("get", "/api/widgets/{widget}", { path });
      put(now.data, now.etag);
      return { stored: valuesOf(now.data), etag: now.etag };
    },
  });
  const tabs = <Tabs label="Parts of the widget" current={tab} tabs={seen.map((one) => ({ id: one, label: TABS[one], href: withQuery(`/widgets/${widget.id}`, { ...query, tab: one }) }))} />;
  const locale = query.lang ?? form.values.default_locale;
  const onLocale = (lang: string) => setQuery({ lang });
  const changed = (next: Stored, tag: string | undefined) => put(next, tag);
  return (
    <Page
      title={widget.name}
      badge={<WidgetState widget={widget} agents={agents} />}
      above={above}
      tabs={tabs}
      actions={may("member") && <Menu label="More" items={[{ label: "Delete widget", danger: true, onSelect: () => setDeleting(true) }]} />}
    >
      {problem && <ErrorNote problem={problem} retry={reread} safe="What you see is from before." />}
      {tab === "embed" ? (
        <Embed widget={widget} etag={etag} onChanged={changed} reread={reread} />
      ) : tab === "identity" ? (
        <Identity widget={widget} etag={etag} onChanged={changed} reread={reread} />
      ) : (
        <Designer form={form} widget={widget} locale={locale} onLocale={onLocale}>
          {widget.allowed_origins.length === 0 && tab !== "behaviour" && <NoSite widget={widget.id} />}
          {(shown) =>
            tab === "texts" ? (
              <Words form={form} locale={locale} onLocale={onLocale} />
            ) : tab === "behaviour" ? (
              <Behaviour form={form} locale={locale} />
            ) : (
              <>
                <Design form={form} shown={shown} />
                <Avatar widget={widget} etag={etag} onChanged={changed} reread={reread} />
              </>
            )
          }
        </Designer>
      )}
      <SaveBar form={form} names={NAMES} show={(name, value) => shownAs(name, value, agents.name)} />
      {deleting && (
        <Confirm
          title={`Delete “${widget.name}”?`}
          action="Delete widget"
          onClose={() => setDeleting(false)}
          act={async () => {
            await asShown(() => call("delete", "/api/widgets/{widget}", { path, etag }), reread);
            goUnasked("/widgets", { replace: true, from: `/widgets/${widget.id}` });
            forget("/api/widgets");
            toast("The widget is off every page");
          }}
        >
          <p>
            It disappears from {widget.allowed_origins.length ? plural(widget.allowed_origins.length, "site") : "every page"} at once, and its code in your pages does nothing any more. Conversations stay.
          </p>
        </Confirm>
      )}
    </Page>
  );
}

/** A field's value in words, for choosing between two people's changes. */
function shownAs(name: string, value: unknown, agent: (id: string) => string): string | undefined {
  if (name === "agent_id") return agent(String(value));
  if (typeof value === "boolean") return value ? "On" : "Off";
  if (name === "texts")
    return Object.entries(value as Values["texts"])
      .map(([locale, words]) => `${languageName(locale)}: ${Object.values(words).join(" · ")}`)
      .join("\n");
  if (name === "pre_chat") return (value as Values["pre_chat"])?.fields.map((field) => field.kind).join(", ") ?? "No form";
  if (name === "proactive") {
    const when = value as Values["proactive"];
    return when ? [when.after_seconds && `after ${when.after_seconds} s`, when.scroll_percent && `after ${when.scroll_percent} % of the page`].filter(Boolean).join(" or ") : "Off";
  }
  if (value === null) return name === "languages" || name === "suggested_questions" ? "The agent's own" : "The template's";
  return undefined;
}

interface DesignerProps {
  form: ReturnType<typeof useForm<Values>>;
  widget: Stored;
  locale: string;
  onLocale: (locale: string) => void;
  children: [preact.ComponentChildren, (shown: ReturnType<typeof usePublic>["data"]) => preact.ComponentChildren];
}

/** Settings beside the preview; one of both where there is no room. */
function Designer({ form, widget, locale, onLocale, children: [above, settings] }: DesignerProps) {
  const [query, setQuery] = useQuery();
  const shown = usePublic(unsaved(form.values));
  const pane = query.pane === "preview" ? "preview" : "settings";
  return (
    <>
      {above}
      <div class="pane-switch">
        <Segments label="What to show" value={pane} onChange={(next) => setQuery({ pane: next === "preview" ? next : undefined })} options={[{ value: "settings", label: "Settings" }, { value: "preview", label: "Preview" }]} />
      </div>
      <div class={`designer ${pane}`}>
        <div class="stack settings">{settings(shown.data)}</div>
        <div class="stage">
          <Preview shown={shown} avatar={widget.avatar_url} locale={locale} onLocale={onLocale} />
        </div>
      </div>
    </>
  );
}
