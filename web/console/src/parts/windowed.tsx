/** Parts of a long list that are there only near the window: scrolling through thousands of rows stays smooth. */

import type { ComponentChildren, RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

/** Rows that come and go together, and up to how many all of them stay. */
const CHUNK = 8;
export const WHOLE = 300;

/** The numbers of the first rows of each part of a list so long. */
export const parts = (length: number): number[] => Array.from({ length: Math.ceil(length / CHUNK) }, (_, n) => n * CHUNK);

/** The rows of the part that begins with this one. */
export function partOf<T>(items: readonly T[], first: number): readonly T[] {
  return items.slice(first, first + CHUNK);
}

const waiting: (() => void)[] = [];

/** One part a frame: who scrolls through hundreds of rows at once waits a moment for them, and for nothing else. */
function inTurn(draw: () => void): void {
  if (waiting.push(draw) === 1) requestAnimationFrame(next);
}

function next(): void {
  waiting[0]!();
  waiting.shift();
  if (waiting.length) requestAnimationFrame(next);
}

/**
 * Whether a part is near the window, and else how high it is: as high as it was, or so many rows of `row` pixels. The
 * element has `data-spacer` while it stands empty. A part that has the focus stays.
 */
export function useNear<E extends HTMLElement>(ref: RefObject<E | null>, of: { windowed: boolean; first: boolean; rows: number; row: number }): { near: boolean; height: number } {
  const { windowed } = of;
  const [near, setNear] = useState(of.first || !windowed);
  const height = useRef(0);
  useEffect(() => {
    if (!windowed) return;
    const part = ref.current!;
    let wanted = false;
    const watcher = new IntersectionObserver(
      (seen) => {
        const there = seen.at(-1)!.isIntersecting;
        if (!there && part.contains(document.activeElement)) return;
        if (!there && !part.hasAttribute("data-spacer")) height.current = part.offsetHeight;
        wanted = there;
        if (there) inTurn(() => wanted && setNear(true));
        else setNear(false);
      },
      { rootMargin: "700px 0px" },
    );
    watcher.observe(part);
    return () => {
      wanted = false;
      watcher.disconnect();
    };
  }, [windowed]);
  return { near: near || !windowed, height: height.current || of.rows * of.row };
}

/** Some items of a long list, else the room that they took: the list stays as long as it is. `row`: pixels of an item, about. */
export function Part({ children, ...of }: { windowed: boolean; first: boolean; rows: number; row: number; children: () => ComponentChildren }) {
  const ref = useRef<HTMLDivElement>(null);
  const { near, height } = useNear(ref, of);
  return (
    <div ref={ref} data-spacer={!near || undefined} style={near ? undefined : { blockSize: `${height}px` }}>
      {near && children()}
    </div>
  );
}
