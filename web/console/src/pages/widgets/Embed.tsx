/** What to put into a site, what a strict site must allow, and a page on which to try it. */

import { useState } from "preact/hooks";
import { call, type Schemas } from "../../api/client";
import { asShown } from "../../api/problem";
import { useAction, useResource } from "../../api/resource";
import { Button, Card, Code, Note } from "../../parts/basics";
import { toast } from "../../parts/dialog";
import { Segments } from "../../parts/fields";
import { ErrorNote, Loaded } from "../../parts/problem";
import { config } from "../../session/config";
import { may } from "../../session/session";
import type { Widget } from "./model";
import { NoSite } from "./NoSite";

interface Props {
  widget: Widget;
  etag: string | undefined;
  onChanged: (widget: Widget, etag: string | undefined) => void;
  reread: () => Promise<void>;
}

export function Embed({ widget, etag, onChanged, reread }: Props) {
  const embed = useResource("/api/widgets/{widget}/embed", { path: { widget: widget.id } });
  return (
    <div class="stack loose narrow">
      {widget.allowed_origins.length === 0 && <NoSite widget={widget.id} />}
      <Card title="Put it into your site">
        <Loaded from={embed} lines={8}>
          {(data) => (
            <>
              <p>One line, once a page. It loads without holding the page up and needs no style, font or frame.</p>
              <Code text={data.script} label="Embed code" />
              {widget.allowed_origins.length > 0 && <p class="muted break">{data.note}</p>}
            </>
          )}
        </Loaded>
      </Card>
      <Trial widget={widget} etag={etag} onChanged={onChanged} reread={reread} />
      {embed.data && <Snippets snippets={embed.data.snippets} />}
    </div>
  );
}

const KINDS: Record<Schemas["Snippet"]["kind"], string> = { html: "HTML", wordpress: "WordPress", shopify: "Shopify", react: "React", tag_manager: "Tag Manager", pinned: "Pinned" };

function Snippets({ snippets }: { snippets: Schemas["Snippet"][] }) {
  const [kind, setKind] = useState<string>("html");
  const shown = snippets.find((one) => one.kind === kind) ?? snippets[0];
  const pinned = snippets.find((one) => one.kind === "pinned");
  const integrity = pinned && /integrity="([^"]+)"/.exec(pinned.code)?.[1];
  if (!shown) return null;
  return (
    <>
      <Card title="For your kind of site">
        <Segments label="Kind of site" value={shown.kind} onChange={setKind} options={snippets.map((one) => ({ value: one.kind, label: KINDS[one.kind] }))} />
        <h3>{shown.title}</h3>
        <Code text={shown.code.trimEnd()} label={shown.title} />
        {shown.note && <p class="muted">{shown.note}</p>}
      </Card>
      <Card title="Content security policy">
        <p>Only for a site with a policy of its own: these lines have to be in it.</p>
        <Code text={shown.content_security_policy.join("\n")} label="Policy lines" />
        <p class="muted">
          Under Trusted Types also allow the policy <code>agenthub</code>.
        </p>
      </Card>
      {integrity && (
        <Card title="Integrity">
          <p>The script checks the digest of what it brings in by itself. With the kind “Pinned” the browser runs exactly this file and no later one:</p>
          <Code text={integrity} label="Digest of the script" />
        </Card>
      )}
    </>
  );
}

/** The example page stands where the script stands, so that its policy names no other host. */
function trial(widget: string): URL {
  const cdn = new URL(config().cdn_url, location.href);
  const page = cdn.origin === location.origin ? new URL("try.html", document.baseURI) : new URL("console/try.html", `${cdn.href.replace(/\/$/, "")}/`);
  page.search = new URLSearchParams({ widget }).toString();
  page.hash = "";
  return page;
}

function Trial({ widget, etag, onChanged, reread }: Props) {
  const page = trial(widget.id);
  const allowed = widget.allowed_origins.includes(page.origin);
  const put = async (origins: string[], tag: string | undefined) => {
    const body = { allowed_origins: origins } as Schemas["WidgetChange"];
    const saved = await call("patch", "/api/widgets/{widget}", { path: { widget: widget.id }, body, etag: tag });
    onChanged(saved.data, saved.etag);
  };
  const allowing = useAction(async () => {
    await asShown(() => put([...widget.allowed_origins, page.origin], etag), reread);
    toast(`${page.origin} may show this widget`, async () => {
      // Of the origins of then: others may have come since.
      const now = await call("get", "/api/widgets/{widget}", { path: { widget: widget.id } });
      await put(now.data.allowed_origins.filter((one) => one !== page.origin), now.etag);
    });
  });
  return (
    <Card title="Try it on a page">
      <p>An example page with your widget on it, the site of an invented business. Turns there are real ones: they are charged like any other.</p>
      {allowed ? (
        <div class="row">
          <Button kind="primary" icon="external" href={page.href} external>
            Try it on a page
          </Button>
        </div>
      ) : may("member") ? (
        <>
          <Note tone="info">
            <p class="break">
              The page stands on <strong>{page.origin}</strong>, which may not show this widget yet.
            </p>
          </Note>
          <div class="row">
            <Button kind="primary" icon="plus" busy={allowing.busy} onClick={() => void allowing.run()}>
              Allow this origin
            </Button>
          </div>
        </>
      ) : (
        <p class="muted">Ask a member of this workspace to allow {page.origin} first.</p>
      )}
      {allowing.problem && <ErrorNote problem={allowing.problem} />}
    </Card>
  );
}
