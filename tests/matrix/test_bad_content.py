"""What is thrown at every route and every upload: a clear problem comes back, and nothing is half done."""

import csv
import io
import json
import zlib
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from PIL import Image
from werkzeug.test import TestResponse

from functions.shared.http.messages import Json, Raw
from functions.shared.identity import Caller
from tests.functions.agents import files
from tests.matrix.asking import ask, asks_of, body_of, external, filled, named, nobody, query_of, title
from tests.matrix.business import Business, etag_of
from tests.matrix.city import ROUTES, City, Who

pytestmark = pytest.mark.timeout(600)
"""The first test opens the city and founds the businesses."""


def problem(answer: TestResponse, *status: int) -> dict[str, Any]:
    """The problem that was answered, in words that tell nothing of the inside."""
    assert answer.status_code in status, f"{answer.status}: {answer.get_data()[:500]!r}"
    assert answer.mimetype == "application/problem+json"
    found: dict[str, Any] = json.loads(answer.get_data())
    for inside in ("Traceback", "functions.", "pydantic", "Error(", "site-packages"):
        assert inside not in json.dumps(found)
    return found


MODELS = [key for key in external() if ROUTES[key].body and not issubclass(ROUTES[key].body, Raw | Json)]  # type: ignore[arg-type]
BODIES: dict[str, tuple[bytes, str, int]] = {
    "broken JSON": (b"{", "application/json", 400),
    "no UTF-8": (b'{"a": "\xff"}', "application/json", 400),
    "half a surrogate": (b'{"a": "\\ud800"}', "application/json", 400),
    "not a number": (b'{"a": NaN}', "application/json", 400),
    "a number without end": (b'{"a": ' + b"9" * 5000 + b"}", "application/json", 400),
    "a member twice": (b'{"a": 1, "a": 2}', "application/json", 400),
    "brackets without end": (b'{"a": ' + b"[" * 200_000, "application/json", 400),
    "closed brackets without end": (b"[" * 200_000 + b"]" * 200_000, "application/json", 400),
    "packed": (zlib.compress(b"{}"), "application/json", 400),
    "UTF-16": ('{"a": "b"}'.encode("utf-16"), "application/json", 400),
    "a list": (b"[]", "application/json", 422),
    "null": (b"null", "application/json", 422),
    "a text": (b'"x"', "application/json", 422),
    "an unknown field": (b'{"__proto__": {"admin": true}}', "application/json", 422),
    "a form": (b"name=x", "application/x-www-form-urlencoded", 415),
    "XML": (b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', "text/xml", 415),
}


@pytest.mark.parametrize("key", MODELS, ids=title)
def test_a_route_takes_no_body_that_is_none(city: City, ours: Business, key: tuple[str, str, str]) -> None:
    route, before = ROUTES[key], ours.documents()
    path, who = filled(route, ours.things), asks_of(route, ours)
    for what, (content, media_type, status) in BODIES.items():
        answer = city.ask(route.deployment, route.method, path, who, content, media_type=media_type, If_Match='"0"')
        assert problem(answer, status), what
    for size in (route.max_body + 1, 10 * 2**20):
        content = b'{"a": "' + b"x" * size + b'"}'
        problem(city.ask(route.deployment, route.method, path, who, content, If_Match='"0"'), 413)
    assert ours.documents() == before


SEGMENTS = [
    "..", ".", "__x__", "%00", "\x00", "a" * 200, "\u202eagt_x", "' OR '1'='1", "agt_x; DROP TABLE agents", "a b", "a%0d%0ab",
    "{agent}", "${jndi:ldap://x}", "*", "agents~1x", "\U0001f9b7", "e\u0301", "\udcff".encode("utf-8", "surrogateescape"),
]  # fmt: skip
"""Path segments that are no id of ours."""


@pytest.mark.parametrize("key", [key for key in external() if named(ROUTES[key])], ids=title)
def test_a_segment_that_is_no_id_names_nothing(city: City, ours: Business, key: tuple[str, str, str]) -> None:
    route = ROUTES[key]
    body, media_type = body_of(route)
    query = "&".join(f"{name}={value}" for name, value in query_of(route).items())
    for segment in SEGMENTS:
        ids = {**ours.things, named(route)[-1]: quote(segment, safe="")}
        path = f"{filled(route, ids)}?{query}"
        who = asks_of(route, ours)
        answer = city.ask(route.deployment, route.method, path, who, body, media_type=media_type, If_Match='"0"')
        # A dot as the last segment but one leads elsewhere; a client that sends it means another path.
        problem(answer, 404, 405)


HEADERS: dict[str, list[str]] = {
    "If-Match": [
        'W/"x"',
        '"a", "b"',
        '"' + "x" * 5000 + '"',
        '"../x"',
        '"1e999"',
        '"-1.5"',
        '"9999999999999999999.9"',
        '""',
    ],
    "If-None-Match": ['"', "*", "W/", '"' + "x" * 5000 + '"'],
    "Idempotency-Key": ["", "x" * 256, "../../x", "a\tb", "\u00e9"],
    "Accept": ["nonsense", "*/*;q=x", "application/json;q=0", "text/event-stream;q=0.1, */*;q=0", ";;;", "a/b" * 500],
    "X-Request-ID": ["x" * 5000, "../..", "\u00e9", "<script>"],
    "traceparent": ["00-0-0-0", "zz", "00-" + "0" * 32 + "-" + "0" * 16 + "-01", "x" * 5000],
    "X-Forwarded-For": ["", ",,,", "x" * 5000, "::1, 999.1.1.1", "'; --"],
    "X-Forwarded-Authorization": ["Basic", "Basic !", "Bearer", "Bearer a.b.c", "Basic " + "A" * 5000],
    "Origin": ["null", "file://", "https://x\u00e9", "https://" + "x" * 5000, "'"],
    "Content-Type": ["application/json; charset=utf-16", "application/json; charset=nonsense", "a", "*/*", ";"],
}


@pytest.mark.parametrize("header", HEADERS)
def test_a_header_that_means_nothing_breaks_nothing(city: City, ours: Business, header: str) -> None:
    for key in [
        ("dashboard-api", "PATCH", "/api/workspace"),
        ("agents-api", "POST", "/api/agents/{agent}/rollback"),
        ("agents-api", "GET", "/api/agents/{agent}/config"),
        ("agents-chat", "POST", "/api/agents/{agent}/chat"),
        ("widgets-public", "POST", "/api/widgets/{widget}/sessions"),
        ("dashboard-api", "POST", "/oauth/token"),
    ]:
        route = ROUTES[key]
        for value in HEADERS[header]:
            sent = {**asks_of(route, ours).headers(route.deployment), "Accept": "application/json", header: value}
            content = b'{"no_such_field": 1}' if route.body is not None and route.body is not Raw else None
            kind = sent.pop("Content-Type", "application/json")
            path = filled(route, {**ours.things, "agent": nobody("agent")})
            answer = city.send(route.deployment, route.method, path, sent, content, kind if content else None)
            assert 400 <= answer.status_code < 500, f"{key} {value!r}: {answer.status}"
            problem(answer, answer.status_code)


ODD = {
    "turned around": "\u202etac\u202c\u2066x\u2069",
    "a formula": "=cmd|' /C calc'!A0",
    "another formula": "@SUM(1+1)*cmd|' /C calc'!A0",
    "a line break and a header": "Mia\r\nBcc: eve@example.com\r\n\r\nHello",
    "no character": "a\x00b\x07c\x1bd",
    "markup": "\"'><img src=x onerror=alert(1)>",
    "a template": "{{7*7}}${7*7}#{7*7}%s%n",
    "YAML": "!!python/object:x {a: &b [*b]}",
    "SQL": "Robert'); DROP TABLE agents;--",
    "families": "\U0001f468\u200d\U0001f469\u200d\U0001f467" * 10,
    "marks upon marks": "e" + "\u0301" * 60,
    "beyond": "\U0010ffff\uffff\ufdd0",
    "a line of its own": "a\u2028b\u2029c\x85d",
}
"""Names that people may give to things: they are text, wherever they are shown."""


@pytest.fixture(scope="package")
def shop(city: City) -> Business:
    """A business that gives odd names to its things."""
    return Business(city, "Ash Dental")


@pytest.mark.parametrize("what", ODD)
def test_an_odd_name_is_refused_or_shown_as_it_is_everywhere(city: City, shop: Business, what: str) -> None:
    name = ODD[what]
    for deployment, method, path, body in (
        ("agents-api", "PATCH", f"/api/agents/{shop.things['agent']}", {"name": name, "greeting": name}),
        ("widgets-api", "PATCH", f"/api/widgets/{shop.things['widget']}", {"name": name}),
        ("my-agents-api", "PATCH", f"/api/my-agents/{shop.things['agent']}", {"note": name, "tags": [name[:20]]}),
        ("dashboard-api", "PATCH", f"/api/workspace/api-keys/{shop.things['key']}", {"name": name}),
        ("dashboard-api", "PATCH", f"/api/webhooks/{shop.things['webhook']}", {"name": name}),
        ("billing-api", "PUT", "/api/billing/profile", {"name": name, "address": [name]}),
        ("dashboard-api", "PATCH", "/api/workspace", {"name": name}),
    ):
        etag = etag_of(city.ask(deployment, "GET", path, shop.owner))
        changed = city.ask(deployment, method, path, shop.owner, body, If_Match=etag)
        assert changed.status_code in (200, 422), f"{path}: {changed.get_data()!r}"
    item = {"kind": "text", "title": name, "text": f"{name} is what we call it."}
    added = city.ask("agents-api", "POST", f"/api/agents/{shop.things['agent']}/knowledge", shop.owner, item)
    assert added.status_code in (201, 422)
    said = city.ask("agents-chat", "POST", "/api/chat", shop.guest, {"message": name, "page_url": name})
    assert said.status_code in (200, 402, 422, 429), said.get_data()
    for key in external():
        route = ROUTES[key]
        if route.method != "GET" or Caller.CONSOLE not in route.callers:
            continue
        for accept in ("application/json", *route.produces):
            answer = ask(city, route, shop.owner, shop.things, Accept=accept)
            assert answer.status_code < 500, f"{title(key)}: {answer.get_data()[:500]!r}"
            if answer.mimetype == "text/csv":
                cells = [cell for row in csv.reader(io.StringIO(answer.text)) for cell in row]
                assert not [cell for cell in cells if cell.lstrip()[:1] in tuple("=+-@")]


def picture(kind: str, size: tuple[int, int] = (16, 16), mode: str = "RGB") -> bytes:
    """A picture in some format."""
    made = io.BytesIO()
    Image.new(mode, size).save(made, kind)
    return made.getvalue()


Content = bytes | Callable[[], bytes]
"""What is dear to make is made by the test that sends it, not by every worker that collects the tests."""

AVATARS: dict[str, tuple[Content, int]] = {
    "nothing": (b"", 422),
    "a bomb": (lambda: picture("PNG", (12_000, 12_000), "1"), 422),
    "a thin bomb": (picture("PNG", (60_000, 8), "1"), 422),
    "a cut picture": (picture("PNG")[:50], 422),
    "a head alone": (b"\x89PNG\r\n\x1a\n", 422),
    "markup": (b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', 422),
    "another format": (picture("BMP"), 422),
    "a page in a picture's dress": (b"\x89PNG\r\n\x1a\n<html><script>alert(1)</script>", 422),
    "a byte too many": (picture("PNG") + b"x" * 65536, 413),
    "10 MB": (b"x" * 10 * 2**20, 413),
}


@pytest.mark.parametrize("what", AVATARS)
def test_a_picture_that_is_none_leaves_the_widget_as_it_is(city: City, ours: Business, what: str) -> None:
    made, status = AVATARS[what]
    content = made if isinstance(made, bytes) else made()
    path, before = f"/api/widgets/{ours.things['widget']}", ours.documents()
    etag = etag_of(city.ask("widgets-api", "GET", path, ours.owner))
    for kind in ("image/png", "image/webp"):
        answer = city.ask("widgets-api", "PUT", f"{path}/avatar", ours.owner, content, media_type=kind, If_Match=etag)
        problem(answer, status)
    answer = city.ask(
        "widgets-api", "PUT", f"{path}/avatar", ours.owner, content, media_type="image/svg+xml", If_Match=etag
    )
    problem(answer, 413, 415)
    assert ours.documents() == before


DOCUMENTS: dict[str, tuple[Content, str, int]] = {
    "an empty PDF": (b"", "application/pdf", 422),
    "a PDF that is none": (b"%PDF-1.7\n" + b"\x00" * 1000, "application/pdf", 422),
    "a locked PDF": (lambda: files.pdf("Some text on the page.", password="secret"), "application/pdf", 422),
    "a PDF bomb": (files.bomb, "application/pdf", 422),
    "a scan": (files.scan, "application/pdf", 422),
    "a page without text": (b"<html><script>alert(1)</script></html>", "text/html", 422),
    "a page of openings": (b"<div>" * 200_000, "text/html", 422),
    "no text": (b" \n\t\r\n", "text/plain", 422),
    "no UTF-8": (b"caf\xe9 \xff\xfe", "text/plain", 400),
    "an archive": (b"PK\x03\x04" + b"\x00" * 100, "application/zip", 415),
    "an office file": (b"PK\x03\x04", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", 415),
    "a byte too many": (b"x" * (10 * 2**20 + 1), "text/plain", 413),
    "more than an item": (b"word " * 400_000, "text/plain", 413),
}


@pytest.mark.parametrize("what", DOCUMENTS)
def test_a_document_that_cannot_be_read_teaches_nothing(city: City, ours: Business, what: str) -> None:
    made, kind, status = DOCUMENTS[what]
    content = made if isinstance(made, bytes) else made()
    home, before = f"/api/agents/{ours.things['agent']}/knowledge", ours.documents()
    item = f"{home}/{ours.things['item']}"
    etag = etag_of(city.ask("agents-api", "GET", item, ours.owner))
    for method, path in (("POST", f"{home}/files?title=x"), ("PUT", f"{item}/file?title=x")):
        answer = city.ask("agents-api", method, path, ours.owner, content, media_type=kind, If_Match=etag)
        problem(answer, status)
    assert ours.documents() == before


ADDRESSES = [
    "a@b.example\r\nBcc: eve@example.com", "a@b.example, eve@example.com", "a@b.example;eve@example.com",
    "Ann <a@b.example>", "<a@b.example>", '"a"@b.example', "a@b", "a@@b.example", "a b@c.example",
    "a@-", "a@b..example", "@b.example",
    "a@b.example\x00", "a@\u202eelpmaxe.b", "a@ex\u0430mple.com", "x" * 65 + "@b.example", "a@" + "b" * 300 + ".example", "",
]  # fmt: skip


def test_an_address_that_no_mail_should_go_to_invites_nobody(city: City, ours: Business) -> None:
    before, route = ours.documents(), ROUTES["dashboard-api", "POST", "/api/invitations"]
    for address in ADDRESSES:
        found = problem(ask(city, route, ours.owner, {}, body={"email": address}), 422)
        assert [error["pointer"] for error in found["errors"]] == ["/email"]
    assert ours.documents() == before


URLS = [
    "javascript:alert(1)", "file:///etc/passwd", "gopher://x.example/", "//x.example/", "https://", "https://x.example:99999/",
    "https://x.example:0/", "https://user:word@x.example/", "https://x.example/#a", "https://x.example/a b",
    "https://x.example/\r\nHost: y.example", "https://\u202eelpmaxe.x/", "https://ex\u0430mple.com/", "https://[::1", "https://x.example/\x00",
    "https://" + "x" * 3000, "https://?x", "", "https:///x",
]  # fmt: skip


def test_an_address_that_is_none_becomes_no_webhook(city: City, ours: Business) -> None:
    before, hook = ours.documents(), f"/api/webhooks/{ours.things['webhook']}"
    etag = etag_of(city.ask("dashboard-api", "GET", hook, ours.owner))
    for url in URLS:
        body = {"url": url, "types": ["invoice.issued"]}
        made = city.ask("dashboard-api", "POST", "/api/webhooks", ours.owner, body)
        changed = city.ask("dashboard-api", "PATCH", hook, ours.owner, {"url": url}, If_Match=etag)
        for answer in (made, changed):
            assert [error["pointer"] for error in problem(answer, 422)["errors"]] == ["/url"], ascii(url)
    assert ours.documents() == before


FORMS = [
    b"", b"%", b"grant_type", b"grant_type=password", b"a=" * 5000, b"\xff\xfe",
    b"grant_type=client_credentials&client_id=..%2f..&client_secret=x",
]  # fmt: skip


@pytest.mark.parametrize("form", FORMS, ids=ascii)
def test_a_form_that_proves_nothing_gets_no_token(city: City, form: bytes) -> None:
    kind = "application/x-www-form-urlencoded"
    answer = city.ask("dashboard-api", "POST", "/oauth/token", Who("anybody"), form, media_type=kind)
    assert answer.status_code in (400, 401), answer.get_data()
    assert "access_token" not in answer.text
