"""Finds who is logged in to Google Cloud here, so that a missing login is said at once and not after minutes of work."""

import os
import warnings
from typing import Any

SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
# Where Terraform's provider also finds a login, which Google's own libraries do not know.
_OF_TERRAFORM = ("GOOGLE_CREDENTIALS", "GOOGLE_CLOUD_KEYFILE_JSON", "GCLOUD_KEYFILE_JSON", "GOOGLE_OAUTH_ACCESS_TOKEN")


class NotLoggedIn(Exception):
    """There are no application default credentials that Google accepts; the message says how to get some."""


def credentials(project: str | None = None) -> Any:
    """The application default credentials, freshly accepted by Google; calls count on `project` if given.

    Raises NotLoggedIn.
    """
    import google.auth
    from google.auth.exceptions import GoogleAuthError
    from google.auth.transport.requests import Request

    try:
        with warnings.catch_warnings():
            # Told to a person's login without a project for quotas; we name the project where it matters.
            warnings.simplefilter("ignore", UserWarning)
            found, _ = google.auth.default(scopes=SCOPES, quota_project_id=project)
        found.refresh(Request())
    except GoogleAuthError as error:
        raise NotLoggedIn(
            f"There is no login to Google Cloud that works: {error}\nLog in: gcloud auth application-default login"
        ) from error
    return found


def require() -> None:
    """Make sure that Terraform will find a login. Raises NotLoggedIn."""
    if not any(os.environ.get(name) for name in _OF_TERRAFORM):
        credentials()
