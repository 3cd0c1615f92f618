/** The buckets that tokens are counted in, with the words for them. */

export const BUCKETS = [
  ["input_tokens", "Input"],
  ["cached_input_tokens", "Cached input"],
  ["output_tokens", "Output"],
  ["reasoning_tokens", "Reasoning"],
] as const;
