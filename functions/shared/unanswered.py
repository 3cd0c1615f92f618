"""By which errors Google's clients that speak HTTP say that a service did not answer; its home makes one of ours of them."""


def errors() -> tuple[type[Exception], ...]:
    """For an `except` around a call; imported with the client, on first use."""
    import requests
    from google.api_core import exceptions
    from google.auth.exceptions import GoogleAuthError

    return (
        exceptions.ServerError,
        exceptions.TooManyRequests,
        exceptions.RetryError,
        requests.ConnectionError,
        requests.Timeout,
        TimeoutError,  # Of a client that waits by itself, as BigQuery's does for a job.
        GoogleAuthError,  # The metadata server of the instance does not answer.
    )
