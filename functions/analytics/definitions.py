"""What every figure means, exactly; the console shows these beside the figures."""

from functions.analytics.models import Definition

DEFINITIONS = [
    Definition(name="turns", unit="turns", definition="Questions that were answered, whole or in part."),
    Definition(
        name="conversations", unit="conversations", definition="Conversations whose first turn lies in the span."
    ),
    Definition(
        name="visitors",
        unit="visitors",
        definition="Visitors whose first conversation ever in a widget lies in the span.",
    ),
    Definition(
        name="errors", unit="turns", definition="Turns whose model failed, and turns that were abandoned by a crash."
    ),
    Definition(
        name="error_rate",
        unit="share of 1",
        definition="Errors divided by turns and errors together; null without either.",
    ),
    Definition(
        name="hand_off_rate",
        unit="share of 1",
        definition="Hand-offs to a person divided by conversations of the span.",
    ),
    Definition(
        name="helpful_rate",
        unit="share of 1",
        definition="Thumbs up divided by all thumbs; null where nobody gave one.",
    ),
    Definition(
        name="latency_p95_ms",
        unit="ms",
        definition="95 of 100 turns were complete within this time; read from fixed buckets, interpolated within one.",
    ),
    Definition(
        name="first_token_p95_ms",
        unit="ms",
        definition="In 95 of 100 turns the first words came within this time; read from fixed buckets.",
    ),
    Definition(
        name="input_tokens",
        unit="tokens",
        definition="Prompt tokens as the provider reported them, without those read from its cache. Buckets are exclusive.",
    ),
    Definition(name="cached_input_tokens", unit="tokens", definition="Prompt tokens read from the provider's cache."),
    Definition(name="output_tokens", unit="tokens", definition="Tokens of the answers, without thoughts."),
    Definition(name="reasoning_tokens", unit="tokens", definition="Tokens of the model's thoughts."),
    Definition(
        name="pending",
        unit="turns",
        definition="Turns of which a token count is not known yet; they are not counted as 0.",
    ),
    Definition(
        name="estimated", unit="turns", definition="Turns that were cut off, whose usage is partly an estimate."
    ),
    Definition(name="cost", unit="money", definition="What the providers take for the tokens, by the price book."),
    Definition(
        name="charge", unit="money", definition="What you pay for the usage, before allowance, discount and tax."
    ),
]
