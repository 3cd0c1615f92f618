"""What can go wrong with a model, in the words that a turn acts upon.

    ModelError
    ├── ModelUnavailable     overloaded or unreachable; trying again later may help
    │   └── ModelInterrupted the stream broke after something had come
    ├── ModelTimeout         the deadline passed
    ├── ModelRefused         the provider blocked the prompt; trying again will not help
    └── ModelRejected        our request or configuration is wrong; a person must look
        └── UnknownModel     the catalogue does not know the model, or no longer offers it

The texts are for logs. A visitor never sees them: they may quote the provider.
"""


class ModelError(Exception):
    """A model did not answer."""


class ModelUnavailable(ModelError):
    """Overloaded or unreachable; `retry_after` is the provider's wish in seconds."""

    def __init__(self, detail: str, retry_after: float | None = None) -> None:
        """Keep the wish beside the text."""
        super().__init__(detail)
        self.retry_after = retry_after


class ModelInterrupted(ModelUnavailable):
    """The stream broke after something had come; what came was billed."""


class ModelTimeout(ModelError):
    """The deadline passed; what the provider did until then may be billed."""


class ModelRefused(ModelError):
    """The provider blocked the prompt; `reason` is its own word for why."""

    def __init__(self, reason: str) -> None:
        """Keep the provider's word."""
        super().__init__(f"prompt blocked: {reason}")
        self.reason = reason


class ModelRejected(ModelError):
    """Our request or configuration is wrong."""


class UnknownModel(ModelRejected):
    """The catalogue does not know the model, or no longer offers it."""


def from_status(status: int, detail: str, retry_after: float | None = None) -> ModelError:
    """The error that an HTTP status of a provider means."""
    text = f"{status}: {detail[:500]}"
    if status in (408, 429) or status >= 500:
        return ModelUnavailable(text, retry_after)
    return ModelRejected(text)


def seconds(header: str | None) -> float | None:
    """A Retry-After header in seconds; the form with a date counts as absent, as the providers send numbers."""
    try:
        return max(0.0, float(header)) if header else None
    except ValueError:
        return None
