/** The real widget with what is not saved yet, in a frame of its own, in each of its states. */

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { call, type Schemas } from "../../api/client";
import { asProblem, type Problem } from "../../api/problem";
import { Card, Skeleton } from "../../parts/basics";
import { Segments, Select, Switch } from "../../parts/fields";
import { ErrorNote } from "../../parts/problem";
import type { PreviewState, Show, Told } from "../../preview/protocol";
import { config } from "../../session/config";
import { languageName, rightToLeft, unsaved, type Values } from "./model";

const STATES: { value: PreviewState; label: string }[] = [
  { value: "closed", label: "Closed" },
  { value: "open", label: "Open" },
  { value: "answer", label: "Answer" },
  { value: "hand_off", label: "Hand-off card" },
  { value: "offline", label: "Offline" },
  { value: "error", label: "Error" },
  { value: "away", label: "Away" },
];

const SIZES = { desktop: { width: 1024, height: 640 }, phone: { width: 390, height: 720 } } as const;
type Size = keyof typeof SIZES;

export type Public = Schemas["WidgetPreview"];

/** What visitors would get, 300 ms after the last change; the answer of before stays meanwhile. */
export function usePublic(values: Values): { data: Public | undefined; problem: Problem | undefined; retry: () => void } {
  const body = unsaved(values);
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
  const [dark, setDark] = useState(() => getComputedStyle(document.documentElement).colorScheme === "dark" || (document.documentElement.dataset.theme === "auto" && matchMedia("(prefers-color-scheme: dark)").matches));
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

interface Generation {
  id: number;
  size: Size;
  show: Show;
}

/** A frame shows once; the next one is made behind it and takes its place when it is ready, so nothing flickers. */
function Frames({ size, show }: { size: Size; show: Show }) {
  const key = JSON.stringify([size, show]);
  const [all, setAll] = useState<Generation[]>([]);
  const [failed, setFailed] = useState("");
  const last = useRef(0);
  useEffect(() => {
    const next = { id: ++last.current, size, show };
    // At most the one that is seen and the newest.
    setAll((now) => [...now.slice(0, 1), next]);
  }, [key]);
  const room = useRef<HTMLDivElement>(null);
  const [space, setSpace] = useState({ width: 0, height: 0 });
  useLayoutEffect(() => {
    const measure = () => setSpace({ width: room.current?.clientWidth ?? 0, height: Math.max(420, innerHeight - 320) });
    const watcher = new ResizeObserver(measure);
    watcher.observe(room.current!);
    addEventListener("resize", measure);
    measure();
    return () => {
      watcher.disconnect();
      removeEventListener("resize", measure);
    };
  }, []);
  const { width, height } = SIZES[size];
  const scale = Math.min(1, space.width / width, space.height / height);
  return (
    <div ref={room} class="frames">
      {failed && <p role="alert">The preview could not be shown: {failed}</p>}
      <div class="frames-room" style={{ inlineSize: `${width * scale}px`, blockSize: `${height * scale}px` }}>
        {all.map((one, at) => (
          <Frame
            key={one.id}
            generation={one}
            scale={scale}
            front={at === 0}
            onShown={() => {
              setFailed("");
              setAll((now) => now.filter((other) => other.id >= one.id));
            }}
            onFailed={setFailed}
          />
        ))}
      </div>
    </div>
  );
}

function Frame({ generation: { size, show }, scale, front, onShown, onFailed }: { generation: Generation; scale: number; front: boolean; onShown: () => void; onFailed: (reason: string) => void }) {
  const ref = useRef<HTMLIFrameElement>(null);
  const [shown, setShown] = useState(false);
  useLayoutEffect(() => {
    const hear = (event: MessageEvent<Told>) => {
      if (event.source !== ref.current?.contentWindow || event.origin !== location.origin) return;
      if (event.data.type === "ready") ref.current!.contentWindow!.postMessage(show, location.origin);
      else if (event.data.type === "failed") onFailed(event.data.reason);
      else {
        setShown(true);
        onShown();
      }
    };
    addEventListener("message", hear);
    return () => removeEventListener("message", hear);
  }, []);
  const { width, height } = SIZES[size];
  return (
    <iframe
      ref={ref}
      src="preview.html"
      title={`Preview on a ${size === "phone" ? "phone" : "desktop"}`}
      width={width}
      height={height}
      // Nobody should tab into what is not seen yet.
      inert={!shown}
      class={front ? "" : "coming"}
      data-shown={shown && front ? "" : undefined}
      style={{ scale: `${scale}` }}
    />
  );
}
