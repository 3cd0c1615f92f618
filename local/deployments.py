"""How an engine that calls the functions finds them and speaks to them.

Pub/Sub and the scheduler are the two callers: both read the catalogue, are told the address of each deployment on the
command line, and send a POST with an ID token.
"""

import argparse
import http.client
import re
import time
import urllib.parse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

PROJECT = "agenthub-local"
_URL = re.compile(r"https?://[^/]+")
_KNOCK = 0.1


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options that tell an engine what is deployed, where, and whose tokens it shows."""
    parser.add_argument("--catalogue", type=Path, help="the file that says what is deployed (infra/catalogue.yaml)")
    parser.add_argument("--project", default=PROJECT, help="project id (default: %(default)s)")
    parser.add_argument(
        "--address",
        type=_address,
        action="append",
        default=[],
        metavar="DEPLOYMENT=URL",
        help="where a deployment answers; may be repeated",
    )
    parser.add_argument("--identity", metavar="URL", help="identity server that gives ID tokens at URL/token")
    parser.add_argument("--credentials", type=Path, metavar="FILE", help="service-account key that signs for them")


def _address(text: str) -> tuple[str, str]:
    name, separator, url = text.partition("=")
    url = url.rstrip("/")
    if not separator or not name or not _URL.fullmatch(url):
        raise argparse.ArgumentTypeError(f"{text!r} is not DEPLOYMENT=URL, such as billing-close=http://127.0.0.1:8011")
    return name, url


def read_catalogue(path: Path) -> dict[str, Any]:
    """The catalogue as plain dicts and lists."""
    loaded = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    if not isinstance(loaded, dict):
        raise ValueError(f"{path} is not a catalogue")
    return loaded


@dataclass(frozen=True, slots=True)
class Answer:
    """What a deployment answered; status 0 means that none came, and `body` says why."""

    status: int
    body: str


def post(url: str, body: bytes, headers: dict[str, str], timeout: float, patience: float = 0.0) -> Answer:
    """One POST on a connection of its own, without proxies; `timeout` in seconds. Never raises for the network.

    Where nobody listens yet it waits up to `patience` seconds, as Cloud Run holds a request while an instance starts.
    """
    parts = urllib.parse.urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    end = time.monotonic() + patience
    while True:
        connection = kind(parts.netloc, timeout=timeout)
        try:
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request("POST", target, body, headers)
            response = connection.getresponse()
            return Answer(response.status, response.read().decode("utf-8", "replace"))
        except ConnectionRefusedError as error:
            if time.monotonic() >= end:
                return Answer(0, f"{type(error).__name__}: {error}")
            time.sleep(_KNOCK)
        except (OSError, http.client.HTTPException) as error:
            return Answer(0, f"{type(error).__name__}: {error}")
        finally:
            connection.close()
