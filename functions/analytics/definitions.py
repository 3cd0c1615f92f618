"""What every figure means, exactly; the console shows these beside the figures."""

from functions.analytics.models import Definition
from functions.shared.resolution import RULE

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
        name="hand_offs",
        unit="hand-offs",
        definition="Turns in which the agent handed off to a person, and visitors' requests for one.",
    ),
    Definition(
        name="leads",
        unit="leads",
        definition="Conversations in which a visitor left contact details for the first time; later changes do not count.",
    ),
    Definition(name="resolved", unit="conversations", definition=RULE.text),
    Definition(
        name="ratings",
        unit="ratings",
        definition="Ratings of whole conversations with 1 to 5 stars; one that is changed counts again.",
    ),
    Definition(
        name="rating",
        unit="stars",
        definition="The mean of those ratings, to two decimals; null where nobody gave one.",
    ),
    Definition(
        name="error_rate",
        unit="share of 1",
        definition="Errors divided by turns and errors together; null without either.",
    ),
    Definition(
        name="hand_off_rate",
        unit="share of 1",
        definition="Hand-offs divided by conversations, both of the span; one conversation may be handed off several times.",
    ),
    Definition(
        name="resolution_rate",
        unit="share of 1",
        definition="Conversations that became resolved in the span, divided by those that began in it.",
    ),
    Definition(
        name="helpful_rate",
        unit="share of 1",
        definition="Thumbs up divided by all thumbs; null where nobody gave one.",
    ),
    *(
        Definition(
            name=f"latency_p{share}_ms",
            unit="ms",
            definition=(
                f"{share} of 100 turns were complete within this time; read from fixed buckets, interpolated within one."
            ),
        )
        for share in (50, 95, 99)
    ),
    *(
        Definition(
            name=f"first_token_p{share}_ms",
            unit="ms",
            definition=f"In {share} of 100 turns the first words came within this time; read as the latencies are.",
        )
        for share in (50, 95)
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
    Definition(
        name="cost_per_conversation",
        unit="money",
        definition="Cost divided by the conversations that began in the span, rounded down to a nano; null without any.",
    ),
    Definition(
        name="charge_per_conversation",
        unit="money",
        definition="Charge divided by the conversations that began in the span, rounded down to a nano; null without any.",
    ),
]
