/** One typed way to the API: the routes of api-gateway.yaml, the session's token, problems thrown, ETags kept. */

import createClient from "openapi-fetch";
import { config } from "../session/config";
import * as session from "../session/session";
import { offline, problemOf } from "./problem";
import type { components, paths } from "./schema";

export type Schemas = components["schemas"];

type Method = "get" | "post" | "put" | "patch" | "delete";
type Operation<P extends keyof paths, M extends Method> = NonNullable<paths[P][M]>;

/** The paths that have this method. */
export type With<M extends Method> = { [P in keyof paths]: [Operation<P, M>] extends [never] ? never : P }[keyof paths];

type Ok<O> = O extends { responses: infer R } ? { [S in keyof R & (200 | 201 | 202)]: R[S] }[keyof R & (200 | 201 | 202)] : never;
type Json<A> = A extends { content: { "application/json": infer T } } ? T : undefined;

/** What a route answers with when it worked. */
export type Answer<P extends keyof paths, M extends Method> = Json<Ok<Operation<P, M>>>;

type Part<O, K extends "path" | "query"> = O extends { parameters: { [Q in K]?: infer T } } ? NonNullable<T> : never;
type Sent<O> = O extends { requestBody?: { content: { "application/json": infer T } } } ? Loose<T> : undefined;

/** The generated types hold whatever has a default for always there, as it is in answers; a request may leave it out. */
export type Loose<T> = T extends readonly (infer I)[] ? Loose<I>[] : T extends object ? { [K in keyof T]?: Loose<T[K]> } : T;

export type Given<P extends keyof paths, M extends Method> = {
  path?: Part<Operation<P, M>, "path">;
  query?: Part<Operation<P, M>, "query">;
  body?: Sent<Operation<P, M>>;
  /** For If-Match: the version that the person saw. */
  etag?: string | undefined;
  /** Names the wish, so that a repeat after a lost answer does nothing twice. `newKey()` makes one. */
  key?: string | undefined;
  /** For If-None-Match: the version that is here already. */
  known?: string | undefined;
  signal?: AbortSignal;
};

export interface Got<T> {
  data: T;
  etag: string | undefined;
  /** True when the server said that what is here is current; `data` is empty then. */
  same: boolean;
}

export const newKey = (): string => crypto.randomUUID();

/** A fetch with the session's token; a 401 renews it once. Throws Problem without an answer. */
async function fetchSigned(input: Request): Promise<Response> {
  const again = input.clone();
  const first = await reach(input, await session.token());
  if (first.status !== 401) return first;
  await session.renew();
  const second = await reach(again, await session.token());
  if (second.status === 401) session.expired.value = true;
  return second;
}

async function reach(request: Request, token: string): Promise<Response> {
  request.headers.set("Authorization", `Bearer ${token}`);
  try {
    return await fetch(request);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw offline(request.method);
  }
}

let client: ReturnType<typeof createClient<paths>> | undefined;

const routes = () => (client ??= createClient<paths>({ baseUrl: config().api_url, fetch: fetchSigned, cache: "no-store" }));

/** Ask one route; throws Problem. `call("get", "/api/agents/{agent}", { path: { agent } })`. */
export async function call<P extends keyof paths, M extends Method>(method: M, path: P, given: Given<P, M> = {}): Promise<Got<Answer<P, M>>> {
  const headers: Record<string, string> = {};
  if (given.etag) headers["If-Match"] = given.etag;
  if (given.key) headers["Idempotency-Key"] = given.key;
  if (given.known) headers["If-None-Match"] = given.known;
  const ask = routes().request as unknown as (
    method: string,
    path: string,
    init: object,
  ) => Promise<{ data?: unknown; error?: unknown; response: Response }>;
  const { data, error, response } = await ask(method, path as string, {
    params: { path: given.path, query: given.query },
    body: given.body,
    headers,
    signal: given.signal,
  });
  const same = response.status === 304;
  if (!response.ok && !same) throw problemOf(response, error);
  return { data: data as Answer<P, M>, etag: response.headers.get("ETag") ?? undefined, same };
}

/** A request outside JSON: YAML, a file, a stream. The caller reads the response; throws Problem when it is not 2xx. */
export async function raw(method: string, path: string, init: { headers?: Record<string, string>; body?: BodyInit; signal?: AbortSignal } = {}): Promise<Response> {
  const response = await fetchSigned(new Request(new URL(config().api_url + path, document.baseURI), { method, cache: "no-store", ...init }));
  if (!response.ok) throw problemOf(response, await response.json().catch(() => undefined));
  return response;
}
