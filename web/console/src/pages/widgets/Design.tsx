/** How the widget looks: template, colours that can be read, shape, picture. */

import { useRef, useState } from "preact/hooks";
import { raw, type Schemas } from "../../api/client";
import { asShown } from "../../api/problem";
import { useAction, useResource } from "../../api/resource";
import { Button, Card } from "../../parts/basics";
import { Confirm, toast } from "../../parts/dialog";
import { Field, Input, Segments, Select } from "../../parts/fields";
import type { Form } from "../../parts/form";
import { Icon } from "../../parts/icons";
import { ErrorNote, Loaded } from "../../parts/problem";
import { ratio, TEXT, weakest } from "./colours";
import { pointerOf, type Values, type Widget } from "./model";
import type { Public } from "./Preview";
import { Templates } from "./Templates";

type Scheme = "light" | "dark";
type ColourName = "accent" | "accent_dark" | "bubble" | "bubble_dark";

interface Props {
  form: Form<Values>;
  shown: Public | undefined;
}

export function Design({ form, shown }: Props) {
  const templates = useResource("/api/templates");
  const template = templates.data?.items.find((one) => one.name === form.values.theme_name);
  return (
    <>
      <Card title="Template">
        <Loaded from={templates} lines={6}>
          {(data) => <Templates items={data.items} value={form.values.theme_name} onChange={(name) => form.set("theme_name", name)} />}
        </Loaded>
      </Card>
      <Card title="Colours">
        <p class="muted">Words need {TEXT} : 1. A colour that is too faint is moved to the nearest that can be read.</p>
        {template && (
          <>
            <Colour form={form} name="accent" label="Accent, light" scheme="light" template={template} shown={shown} />
            <Colour form={form} name="accent_dark" label="Accent, dark" scheme="dark" template={template} shown={shown} />
            <Colour form={form} name="bubble" label="Bubble, light" scheme="light" template={template} shown={shown} />
            <Colour form={form} name="bubble_dark" label="Bubble, dark" scheme="dark" template={template} shown={shown} />
          </>
        )}
      </Card>
      <Card title="Shape">
        <Radius form={form} own={template?.radius} />
        <Field label="Font" hint="Fonts that every machine has: nothing is fetched.">
          <Select
            value={form.values.font}
            onChange={(font) => form.set("font", font as Values["font"])}
            options={[
              { value: "system", label: "System" },
              { value: "serif", label: "Serif" },
              { value: "rounded", label: "Rounded" },
              { value: "mono", label: "Monospaced" },
            ]}
          />
        </Field>
        <Field label="Light or dark" group>
          <Segments
            label="Light or dark"
            value={form.values.mode}
            onChange={(mode) => form.set("mode", mode as Values["mode"])}
            options={[
              { value: "auto", label: "As the visitor has it" },
              { value: "light", label: "Light" },
              { value: "dark", label: "Dark" },
            ]}
          />
        </Field>
        <Field label="Corner of the page" hint="The end is right, and left where people read from right to left." group>
          <Segments
            label="Corner of the page"
            value={form.values.position}
            onChange={(position) => form.set("position", position as Values["position"])}
            options={[
              { value: "end", label: "End" },
              { value: "start", label: "Start" },
            ]}
          />
        </Field>
      </Card>
    </>
  );
}

function Colour({ form, name, label, scheme, template, shown }: { form: Form<Values>; name: ColourName; label: string; scheme: Scheme; template: Schemas["Template"]; shown: Public | undefined }) {
  const part = name.replace("_dark", "") as "accent" | "bubble";
  const own = form.values[name];
  const theme = shown?.public.theme as Record<Scheme, Record<string, string>> | undefined;
  // Without a choice it is the template's, or what the light accent becomes in the dark.
  const inherited = theme?.[scheme][part] ?? template[scheme][part] ?? "#000000";
  const colour = own ?? inherited;
  const valid = /^#[0-9a-f]{6}$/i.test(colour);
  const colours = theme?.[scheme] ?? template[scheme];
  const grounds = (part === "bubble" ? ["text"] : ["surface", "on-accent", "bubble"]).map((ground) => colours[ground]).filter((one): one is string => Boolean(one));
  const reached = valid ? weakest(colour, grounds) : 0;
  const pointer = pointerOf(name);
  const warning = shown?.warnings.find((one) => one.scheme === scheme && one.pointer.replace("_dark", "") === `/theme/${part}` && one.chosen.toLowerCase() === colour.toLowerCase());
  return (
    <Field label={label} pointer={pointer} error={form.error(name, pointer)} onBlur={() => form.touch(name)}>
      <div class="colour">
        <input type="color" aria-label={`${label}, picker`} value={valid ? colour : "#000000"} onInput={(event) => form.set(name, event.currentTarget.value)} />
        <Input value={own ?? ""} placeholder={inherited} maxLength={7} onInput={(value) => form.set(name, value.trim() || null)} />
        {own !== null ? (
          <Button kind="quiet" icon="close" label={`${label}: take the template's`} onClick={() => form.set(name, null)} />
        ) : (
          <span class="muted">Template's</span>
        )}
      </div>
      {valid && (
        <div class="row contrast">
          <span class={reached >= TEXT ? "passes" : "fails"}>
            <Icon name={reached >= TEXT ? "check" : "warning"} size={16} />
            {ratio(reached)}
          </span>
          {warning && (
            <>
              <span class="muted">Visitors see</span>
              <span class="swatch">
                <span style={{ background: warning.nearest }} aria-hidden="true" />
                {warning.nearest}
              </span>
              <Button kind="quiet" onClick={() => form.set(name, warning.nearest)}>
                Use it
              </Button>
            </>
          )}
        </div>
      )}
    </Field>
  );
}

function Radius({ form, own }: { form: Form<Values>; own: number | undefined }) {
  const { radius } = form.values;
  return (
    <Field label="Corner radius" pointer="/theme/radius" error={form.error("radius", "/theme/radius")}>
      <div class="colour">
        <input type="range" min={0} max={28} aria-label="Corner radius in px" value={radius ?? own ?? 8} onInput={(event) => form.set("radius", Number(event.currentTarget.value))} />
        <span class="number">{radius ?? own ?? 8} px</span>
        {radius !== null ? <Button kind="quiet" icon="close" label="Corner radius: take the template's" onClick={() => form.set("radius", null)} /> : <span class="muted">Template's</span>}
      </div>
    </Field>
  );
}

const TYPES = ["image/png", "image/jpeg", "image/webp"];
const MOST = 64 * 1024;

/** The picture that is shown, to bring it back; undefined when it cannot be read. */
async function pictureAt(url: string): Promise<Blob | undefined> {
  const answer = await fetch(url).catch(() => undefined);
  return answer?.ok ? answer.blob() : undefined;
}

/** The widget's picture; it is stored at once, apart from the form. */
export function Avatar({ widget, etag, onChanged, reread }: { widget: Widget; etag: string | undefined; onChanged: (widget: Widget, etag: string | undefined) => void; reread: () => Promise<void> }) {
  const file = useRef<HTMLInputElement>(null);
  const [wrong, setWrong] = useState("");
  const [asking, setAsking] = useState(false);
  // Undo comes later: with the version that is shown by then.
  const shown = useRef(etag);
  shown.current = etag;
  const put = async (picture: Blob | null) => {
    const headers: Record<string, string> = shown.current ? { "If-Match": shown.current } : {};
    const response = await asShown(() => raw(picture ? "PUT" : "DELETE", `/api/widgets/${widget.id}/avatar`, picture ? { headers: { ...headers, "Content-Type": picture.type }, body: picture } : { headers }), reread);
    onChanged((await response.json()) as Widget, response.headers.get("ETag") ?? undefined);
  };
  const changing = useAction(async (picture: File | null) => {
    const before = widget.avatar_url ? await pictureAt(widget.avatar_url) : undefined;
    // What cannot be brought back is asked about once.
    if (!picture && !before) return setAsking(true);
    await put(picture);
    toast(!picture ? "The picture is removed" : before ? "The picture is replaced" : "The picture is stored", before && (() => put(before)));
  });
  const take = (picture: File | undefined) => {
    if (!picture) return;
    setWrong(!TYPES.includes(picture.type) ? "Choose a PNG, JPEG or WebP." : picture.size > MOST ? "It may have 64 KB at most: make it smaller first." : "");
    if (TYPES.includes(picture.type) && picture.size <= MOST) void changing.run(picture);
  };
  return (
    <Card title="Picture">
      <div class="row">
        {widget.avatar_url ? <img class="avatar" src={widget.avatar_url} alt="The widget's picture" width={56} height={56} /> : <span class="avatar none" aria-hidden="true"><Icon name="person" /></span>}
        <div class="stack tight grow">
          <p class="muted">PNG, JPEG or WebP, at most 64 KB. It is stored at once; without one, the agent's initial stands there.</p>
          <div class="row">
            <input ref={file} type="file" accept={TYPES.join(",")} hidden aria-label="Picture" onChange={(event) => (take(event.currentTarget.files?.[0]), (event.currentTarget.value = ""))} />
            <Button busy={changing.busy} onClick={() => file.current?.click()}>
              {widget.avatar_url ? "Replace picture" : "Upload picture"}
            </Button>
            {widget.avatar_url && (
              <Button kind="quiet" onClick={() => void changing.run(null)}>
                Remove picture
              </Button>
            )}
          </div>
        </div>
      </div>
      {wrong && <p role="alert" class="wrong">{wrong}</p>}
      {changing.problem && <ErrorNote problem={changing.problem} />}
      {asking && (
        <Confirm title="Remove the picture?" action="Remove picture" onClose={() => setAsking(false)} act={() => put(null)}>
          <p>It cannot be read at the moment, so it cannot be brought back. The agent's initial stands in its place.</p>
        </Confirm>
      )}
    </Card>
  );
}
