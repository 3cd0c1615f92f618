"""The code that a business puts into its site, for each kind of site, with the policy lines that it needs there.

The loader has a short cache and no integrity, since it may change; who wants none of that pins the hashed file, whose
digest the browser then checks, and takes each new version by hand.
"""

import html
import json
import re
from dataclasses import dataclass
from typing import Any

from functions.shared import logs
from functions.widgets.models import Embed, Snippet

_SECONDS = 2.0
_FILE = re.compile(r"v1/widget-[0-9a-f]{16}\.js")
_INTEGRITY = re.compile(r"sha384-[A-Za-z0-9+/]{64}")

TRUSTED = "trusted-types agenthub; require-trusted-types-for 'script'"
"""For a page that enforces Trusted Types: the loader makes one policy of this name."""


@dataclass(frozen=True)
class Pinned:
    """The hashed file that the loader brings in at this moment: its path below the CDN, and its digest."""

    path: str
    integrity: str


def pinned(cdn: str) -> Pinned | None:
    """What the CDN says that the script is now; None when it does not say or says something else than a hashed file."""
    import requests

    try:
        answer = requests.get(f"{cdn}/v1/manifest.json", timeout=_SECONDS, allow_redirects=False)
        described: Any = answer.json()["widget"]
        path, integrity = described["path"], described["integrity"]
    except (requests.RequestException, ValueError, KeyError, TypeError) as error:
        logs.warning("the script's manifest could not be read", reason=type(error).__name__)
        return None
    if not (_FILE.fullmatch(str(path)) and _INTEGRITY.fullmatch(str(integrity))):
        return None
    return Pinned(path, integrity)


def code(widget: str, *, cdn: str, api: str, chat: str, origins: list[str], pin: Pinned | None) -> Embed:
    """All that an owner needs; `cdn`, `api` and `chat` are the addresses that the pages will speak to."""
    address = f"{cdn}/v1/widget.js"
    script = f'<script async src="{html.escape(address)}" data-widget="{widget}"></script>'
    policy = policies(cdn=cdn, api=api, chat=chat)
    inserted = "\n".join(
        (
            'const tag = document.createElement("script");',
            "tag.async = true;",
            # A literal that no markup can end, wherever it is pasted.
            f"tag.src = {json.dumps(address).replace('<', chr(92) + 'u003c')};",
            f'tag.dataset.widget = "{widget}";',
            "document.head.append(tag);",
        )
    )

    def snippet(kind: Any, title: str, lines: str, *, more: tuple[str, ...] = (), note: str | None = None) -> Snippet:
        return Snippet(kind=kind, title=title, code=lines, content_security_policy=[*policy, *more], note=note)

    escaped = html.escape(address)
    php = f"<script async src='{escaped}' data-widget='{widget}'></script>"
    snippets = [
        snippet("html", "HTML, before </body>", f"{script}\n"),
        snippet(
            "wordpress",
            "WordPress (functions.php of the child theme)",
            f'add_action("wp_footer", function () {{ echo "{php}"; }});',
        ),
        snippet("shopify", "Shopify (theme.liquid, before </body>)", f"{script}\n"),
        snippet(
            "react",
            "React",
            "useEffect(() => {\n" + "\n".join(f"  {line}" for line in inserted.split("\n")) + "\n}, []);",
            note="In the component that every page has. A second tag on a page does nothing.",
        ),
        snippet(
            "tag_manager",
            "Google Tag Manager (Custom HTML, trigger All Pages)",
            "<script>\n(function () {\n" + inserted.replace("const tag", "var tag") + "\n})();\n</script>",
            note=(
                "Tag Manager runs Custom HTML as inline script: under a policy it needs the nonce that you give to "
                "Tag Manager. It drops data attributes of script tags, so the tag is made by script."
            ),
        ),
    ]
    if pin is not None:
        tag = (
            f'<script async src="{html.escape(f"{cdn}/{pin.path}")}" integrity="{pin.integrity}" '
            f'crossorigin="anonymous" data-widget="{widget}"></script>'
        )
        snippets.append(
            snippet(
                "pinned",
                "HTML, pinned to this version",
                f"{tag}\n",
                note=(
                    "The browser runs exactly this file and no later one. It stays on the CDN; mended faults and new "
                    "features come when you replace the tag."
                ),
            )
        )
    named = ", ".join(origins)
    return Embed(
        script=script,
        content_security_policy=policy,
        snippets=snippets,
        note=f"Pages of {named} may show this widget."
        if origins
        else "No page may show this widget yet: add its origin to allowed_origins.",
    )


def policies(*, cdn: str, api: str, chat: str) -> list[str]:
    """What a strict content security policy must allow. No style, font or frame: the chat brings its own sheet."""
    connect = " ".join(dict.fromkeys((cdn, api, chat)))
    return [f"script-src {cdn}", f"connect-src {connect}", f"img-src {cdn}"]
