/** The real widget in frames of their own: a new one for each new setting, and the one of before until it is ready. */

import "../styles/frames.css";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Call, Show, Told } from "./protocol";

const SIZES = { desktop: { width: 1024, height: 640 }, phone: { width: 390, height: 720 } } as const;
/** Of the device that is shown, as large as there is room for; `fill` is the room itself. */
export type Size = keyof typeof SIZES | "fill";

/** A call of a live chat, and where its answer goes. */
export type Carry = (call: Call, answer: MessagePort) => void;

interface Generation {
  id: number;
  size: Size;
  show: Show;
}

/**
 * A frame shows once; the next one is made behind it and takes its place when it is ready, so nothing flickers.
 * `carry` answers the calls of a live chat; without it the frame answers them itself.
 */
export function Frames({ size, show, carry }: { size: Size; show: Show; carry?: Carry }) {
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
    const measure = () => setSpace({ width: room.current?.clientWidth ?? 0, height: Math.max(420, innerHeight - (size === "fill" ? 400 : 320)) });
    const watcher = new ResizeObserver(measure);
    watcher.observe(room.current!);
    addEventListener("resize", measure);
    measure();
    return () => {
      watcher.disconnect();
      removeEventListener("resize", measure);
    };
  }, []);
  const { width, height } = size === "fill" ? space : SIZES[size];
  const scale = size === "fill" ? 1 : Math.min(1, space.width / width, space.height / height);
  return (
    <div ref={room} class="frames">
      {failed && <p role="alert">The preview could not be shown: {failed}</p>}
      <div class="frames-room" style={{ inlineSize: `${width * scale}px`, blockSize: `${height * scale}px` }}>
        {all.map((one, at) => (
          <Frame
            key={one.id}
            generation={one}
            space={space}
            scale={scale}
            carry={carry}
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

interface FrameProps {
  generation: Generation;
  space: { width: number; height: number };
  scale: number;
  front: boolean;
  carry: Carry | undefined;
  onShown: () => void;
  onFailed: (reason: string) => void;
}

function Frame({ generation: { size, show }, space, scale, front, carry, onShown, onFailed }: FrameProps) {
  const ref = useRef<HTMLIFrameElement>(null);
  const carrying = useRef(carry);
  carrying.current = carry;
  const [shown, setShown] = useState(false);
  useLayoutEffect(() => {
    const hear = (event: MessageEvent<Told>) => {
      if (event.source !== ref.current?.contentWindow || event.origin !== location.origin) return;
      if (event.data.type === "ready") ref.current!.contentWindow!.postMessage(show, location.origin);
      else if (event.data.type === "failed") onFailed(event.data.reason);
      else if (event.data.type === "call") carrying.current?.(event.data, event.ports[0]!);
      else {
        setShown(true);
        onShown();
      }
    };
    addEventListener("message", hear);
    return () => removeEventListener("message", hear);
  }, []);
  const { width, height } = size === "fill" ? space : SIZES[size];
  return (
    <iframe
      ref={ref}
      src="preview.html"
      title={size === "fill" ? "Chat with the draft" : `Preview on a ${size}`}
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
