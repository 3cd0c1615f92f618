/** Where people and programs talk to an agent, as every page calls it. */

export const CHANNELS = { widget: "Widget", playground: "Playground", api: "API", check: "Test case" } as const;
export type Channel = keyof typeof CHANNELS;

export const isChannel = (name: string): name is Channel => Object.hasOwn(CHANNELS, name);

/** A channel's word; a dash where none is known, and of one that is newer than this page its own name. */
export const channelName = (channel: string | null | undefined): string => (!channel ? "–" : isChannel(channel) ? CHANNELS[channel] : channel);
