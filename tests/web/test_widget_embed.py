"""Each snippet that an owner is given works in Chromium on a page whose policy allows what the snippet names and no more."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import expect

from functions.widgets import embedding
from functions.widgets.models import Embed
from infra import web
from local import demo
from tests.web import standin
from tests.web.standin import WIDGET, Standin
from tests.web.visitor import Open, answered, ask, opened

pytestmark = pytest.mark.browser

BROKEN = "window.broken = []; addEventListener('securitypolicyviolation', (e) => broken.push(e.violatedDirective + e.blockedURI))"
NONCE = "bm9uY2U"


def code(platform: Standin) -> Embed:
    """What the owner gets, with the addresses of the stand-in."""
    part = json.loads((web.FrontEnd("widget").output / "manifest.json").read_text())["widget"]
    pin = embedding.Pinned(part["path"], part["integrity"])
    origin = platform.origin
    return embedding.code(WIDGET, cdn=origin, api=origin, chat=origin, origins=[], pin=pin)


def pasted(code: str) -> str:
    return code


def by_wordpress(code: str) -> str:
    """What the PHP of the snippet echoes."""
    match = re.search(r'echo "([^"]+)";', code)
    assert match is not None
    return match[1]


def by_react(code: str) -> str:
    """What a component does when it is there; React's own part is to call it, once or twice."""
    return f'<script nonce="{NONCE}">const useEffect = (act) => {{ act(); act(); }};\n{code}</script>'


def by_tag_manager(code: str) -> str:
    """Tag Manager makes the script of Custom HTML anew, with the nonce of the page and without its own attributes."""
    body = json.dumps(code.replace("<script>", "").replace("</script>", ""))
    return (
        f'<script nonce="{NONCE}">const made = document.createElement("script"); made.nonce = "{NONCE}"; '
        f"made.text = {body}; document.head.append(made);</script>"
    )


WAYS: dict[str, Callable[[str], str]] = {
    "html": pasted,
    "wordpress": by_wordpress,
    "shopify": pasted,
    "react": by_react,
    "tag_manager": by_tag_manager,
    "pinned": pasted,
}
INLINE = {"react", "tag_manager"}
"""The page's own bundle, and Tag Manager with the nonce that the snippet's note asks for."""


@contextmanager
def site(tag: str, policy: str) -> Iterator[str]:
    with standin.serving(demo.server("localhost", 0, tag, {"Content-Security-Policy": policy})) as origin:
        yield origin


@pytest.mark.parametrize("kind", WAYS)
def test_a_snippet_works_under_the_policy_that_it_names(platform: Standin, visit: Open, kind: str) -> None:
    [snippet] = [one for one in code(platform).snippets if one.kind == kind]
    allowed = [
        f"{line} 'nonce-{NONCE}'" if line.startswith("script-src") and kind in INLINE else line
        for line in snippet.content_security_policy
    ]
    policy = "; ".join(["default-src 'none'", "style-src 'self'", *allowed])
    # The demo page's own icon is a data address.
    policy = policy.replace("img-src ", "img-src data: ")
    platform.config["avatar_url"] = f"{platform.origin}{standin.AVATAR}"
    with site(WAYS[kind](snippet.code), policy) as address:
        page = opened(visit(init=BROKEN, site=address))
        ask(page)
        answered(page)
        expect(page.locator("agenthub-chat")).to_have_count(1)
        expect(page.get_by_role("dialog")).to_have_css("position", "fixed")
        expect(page.locator("img.avatar")).to_have_js_property("naturalWidth", 8)
        assert page.evaluate("window.broken") == []
    loaded = [path for method, path, _, _ in platform.requests if path.endswith(".js")]
    assert ("/v1/widget.js" in loaded) == (kind != "pinned")


def test_trusted_types_are_no_obstacle(platform: Standin, visit: Open) -> None:
    found = code(platform)
    policy = "; ".join(
        [
            "default-src 'none'",
            "style-src 'self'",
            "img-src data:",
            *found.content_security_policy[:2],
            embedding.TRUSTED,
        ]
    )
    with site(found.script, policy) as address:
        page = opened(visit(init=BROKEN, site=address))
        ask(page)
        answered(page)
        assert page.evaluate("window.broken") == []


def test_a_pinned_script_that_was_changed_does_not_run(platform: Standin, visit: Open) -> None:
    [snippet] = [one for one in code(platform).snippets if one.kind == "pinned"]
    forged = re.sub(r"sha384-.", "sha384-0" if "sha384-0" not in snippet.code else "sha384-1", snippet.code)
    with site(forged, "default-src * 'unsafe-inline'") as address, pytest.raises(Exception, match="Timeout"):
        visit(site=address, wait=2_000)
