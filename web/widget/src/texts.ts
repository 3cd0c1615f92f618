/**
 * The words of the chat in English, each under the name by which a widget's saved texts may replace it. Other languages
 * come with the saved configuration, so that a visitor downloads one language and not all.
 */

export const ENGLISH = {
  greeting: "Hello! How can I help you?",
  placeholder: "Write a message",
  send: "Send",
  away: "We cannot answer right now. Please try again later.",
  privacy_notice: "",
  open: "Open chat",
  close: "Close chat",
  assistant: "AI assistant",
  conversation: "Conversation",
  you: "You",
  answering: "{name} is answering",
  offline: "You are offline. Your message will be sent later.",
  connecting: "Connecting again …",
  busy: "Busy right now. Sending in {n} s.",
  failed: "Not sent",
  retry: "Try again",
  error: "Something went wrong. Please try again.",
  cut: "This answer was cut off.",
  sources: "Sources",
  newer: "New messages",
  helpful: "Helpful",
  unhelpful: "Not helpful",
  comment: "What was missing? (optional)",
  thanks: "Thank you!",
  person: "Talk to a person",
  note: "What is it about? (optional)",
  told: "Our team will get back to you.",
  lead: "Our team will get back to you.",
  before: "Before we start",
  name: "Name",
  email: "Email",
  consent: "You may use these details to answer me.",
};

export type Texts = Readonly<typeof ENGLISH>;
