/** The words behind ids: what industries and models are called, and what there is to choose from. */

import { useMemo } from "preact/hooks";
import type { Schemas } from "../../api/client";
import { useResource } from "../../api/resource";
import type { Option } from "../../parts/fields";

export interface Catalogue {
  config: Schemas["Config"] | undefined;
  industries: Schemas["ShownIndustry"][];
  /** "SaaS support", or the id while unknown. */
  industry: (id: string) => string;
  /** "Gemini 4 Argon" of "vertexai/gemini-4-argon". */
  model: (id: string) => string;
  industryOptions: Option[];
  modelOptions: Option[];
}

export const modelId = (model: { provider: string; id: string }): string => `${model.provider}/${model.id}`;

export function useCatalogue(): Catalogue {
  const config = useResource("/api/config").data;
  const industries = useResource("/api/industries").data?.items;
  return useMemo(() => {
    const industryNames = new Map((industries ?? []).map((one) => [one.id, one.name]));
    const modelNames = new Map((config?.models ?? []).map((one) => [modelId(one), one.name]));
    return {
      config,
      industries: industries ?? [],
      industry: (id) => industryNames.get(id) ?? id.replace(/_/g, " "),
      model: (id) => modelNames.get(id) ?? id.split("/").at(-1) ?? id,
      industryOptions: [...industryNames].map(([value, label]) => ({ value, label })),
      modelOptions: (config?.models ?? []).map((one) => ({ value: modelId(one), label: one.available ? one.name : `${one.name} (not available here)` })),
    };
  }, [config, industries]);
}
