/** The real widget with what is not saved yet, in a frame of its own, in each of its states. */

import { useEffect, useState } from "preact/hooks";
import { call, type Schemas } from "../../api/client";
import { asProblem, type Problem } from "../../api/problem";
import { Card, Skeleton } from "../../parts/basics";
import { Segments, Select, Switch } from "../../parts/fields";
import { ErrorNote } from "../../parts/problem";
import { Frames, type Size } from "../../preview/Frames";
import type { PreviewState } from "../../preview/protocol";
import { config } from "../../session/config";
import { isDark } from "../../shell/theme";
import { languageName, rightToLeft } from "./model";

const STATES: { value: PreviewState; label: string }[] = [
  { value: "closed", label: "Closed" },
  { value: "open", label: "Open" },
  { value: "answer", label: "Answer" },
  { value: "hand_off", label: "Hand-off card" },
  { value: "offline", label: "Offline" },
  { value: "error", label: "Error" },
  { value: "away", label: "Away" },
];

export type Public = Schemas["WidgetPreview"];

/** What visitors would get, 300 ms after the last change; the answer of before stays meanwhile. */
export function usePublic(body: Schemas["NewWidget"]): { data: Public | undefined; problem: Problem | undefined; retry: () => void } {
  const key = JSON.stringify(body);
  const [data, setData] = useState<Public>();
  const [problem, setProblem] = useState<Problem>();
  const [tries, setTries] = useState(0);
  useEffect(() => {
    const stop = new AbortController();
    const timer = setTimeout(
      async () => {
        try {
          setData((await call("post", "/api/widgets/preview", { body, signal: stop.signal })).data);
          setProblem(undefined);
        } catch (error) {
          if (!stop.signal.aborted) setProblem(asProblem(error));
        }
      },
      data ? 300 : 0,
    );
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [key, tries]);
  return { data, problem, retry: () => setTries((n) => n + 1) };
}

interface Props {
  shown: ReturnType<typeof usePublic>;
  avatar: string | null;
  /** The language that the visitor reads. */
  locale: string;
  onLocale: (locale: string) => void;
}

export function Preview({ shown, avatar, locale, onLocale }: Props) {
  const [size, setSize] = useState<Size>(() => (matchMedia("(min-width: 1280px)").matches ? "desktop" : "phone"));
  const [state, setState] = useState<PreviewState>("answer");
  const [dark, setDark] = useState(isDark);
  const [rtl, setRtl] = useState(false);
  const offered = (shown.data?.public.languages as string[] | undefined) ?? [];
  const spoken = offered.includes(locale) ? locale : (shown.data?.public.default_locale as string | undefined) ?? "en";
  const read = rtl && !rightToLeft(spoken) ? (offered.find(rightToLeft) ?? "ar") : spoken;
  const file = shown.data && { ...shown.data.public, avatar_url: avatar, languages: [...new Set([...offered, read])] };
  return (
    <Card
      title="Preview"
      aside={
        <>
          <Segments label="Size" value={size} onChange={(next) => setSize(next as Size)} options={[{ value: "desktop", label: "Desktop" }, { value: "phone", label: "Phone" }]} />
          <span class="row">
            <Switch label="Dark" checked={dark} onChange={setDark} />
            <span aria-hidden="true">Dark</span>
          </span>
          <span class="row">
            <Switch label="Right to left" checked={rtl || rightToLeft(spoken)} onChange={setRtl} disabled={rightToLeft(spoken)} />
            <span aria-hidden="true">RTL</span>
          </span>
        </>
      }
    >
      <div class="row between">
        <Segments label="State" value={state} onChange={(next) => setState(next as PreviewState)} options={STATES} />
        {offered.length > 1 && (
          <div class="preview-language">
            <Select label="Visitor's language" value={spoken} onChange={onLocale} options={offered.map((one) => ({ value: one, label: languageName(one) }))} />
          </div>
        )}
      </div>
      {shown.problem && <ErrorNote problem={shown.problem} retry={shown.retry} safe="What you typed is still here; the preview shows what was before." />}
      {file ? <Frames size={size} show={{ type: "show", public: file, cdn: config().cdn_url, state, dark, locale: read }} /> : !shown.problem && <Skeleton lines={10} />}
      <p class="muted">
        The widget itself, with what you have not saved yet. Its answers are samples: nothing is sent, nothing is charged.
      </p>
    </Card>
  );
}
