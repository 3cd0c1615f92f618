"""The mails of the identity services: written into the folder of all mails, so that a person can read their code."""

from pathlib import Path

from local.mail.folder import keep

_SUBJECTS = {
    "resetPassword": "Set a new password for AgentHub",
    "verifyEmail": "Confirm your address for AgentHub",
    "signIn": "Your sign-in link for AgentHub",
}


class Sink:
    """Writes each mail as one file; `public_url` is where the links in it begin."""

    def __init__(self, folder: Path, public_url: str) -> None:
        self.folder = folder
        self.public_url = public_url.rstrip("/")

    def send_code(self, to: str, mode: str, code: str) -> Path:
        """A mail with a one-time code and a link that carries it; returns the file."""
        link = f"{self.public_url}/?mode={mode}&oobCode={code}"
        text = (
            f"To: {to}\nSubject: {_SUBJECTS[mode]}\n\n"
            f"Open this link within an hour:\n\n{link}\n\nCode: {code}\n\n"
            "If you did not ask for this, do nothing.\n"
        )
        return keep(self.folder, mode, text.encode())
