"""A picture is drawn anew and shown under a name of its own; what is no picture, or a bomb, is refused before it is decoded."""

import io
import struct
import zlib
from typing import Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from functions.shared import firestore, storage
from functions.shared.errors import Invalid
from functions.shared.identity import WorkspaceId
from functions.widgets import avatars, public_files
from tests.cloud import Cloud
from tests.functions.rooms import Room, content
from tests.functions.shared.http import callers
from tests.functions.widgets.test_service import etag, made, published


def picture(kind: str = "PNG", size: tuple[int, int] = (300, 200), colour: str = "#1F6B3F", **options: Any) -> bytes:
    result = io.BytesIO()
    Image.new("RGB", size, colour).save(result, kind, **options)
    return result.getvalue()


def put(room: Room, workspace: WorkspaceId, widget: str, body: bytes, kind: str = "image/png", **options: Any) -> Any:
    someone, path = callers.person("member", workspace), f"/api/widgets/{widget}"
    read = options.get("etag") or etag(room.ask("GET", path, someone))
    headers = {**someone.headers(), "If-Match": f'"{read}"', "Content-Type": kind}
    return room.client.open(f"{path}/avatar", method="PUT", headers=headers, data=body)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_picture_becomes_128_by_128_webp(kind: str) -> None:
    found = Image.open(io.BytesIO(avatars.drawn(picture(kind))))
    assert (found.format, found.size) == ("WEBP", (128, 128))
    red, green, blue = found.convert("RGB").getpixel((64, 64))  # type: ignore[misc]
    assert abs(red - 0x1F) + abs(green - 0x6B) + abs(blue - 0x3F) < 20


def test_nothing_of_the_file_but_its_pixels_is_kept() -> None:
    notes = PngInfo()
    notes.add_text("Comment", "<script>alert(1)</script> GPS 52.5 13.4")
    exif = Image.Exif()
    exif[0x010E] = "secret place"
    sent = picture(pnginfo=notes, exif=exif) + b"<?php system($_GET[0]); ?>"
    drawn = avatars.drawn(sent)
    assert b"script" not in drawn and b"secret" not in drawn and b"php" not in drawn
    assert not Image.open(io.BytesIO(drawn)).getexif()


def test_a_picture_lies_upright_and_keeps_what_is_transparent() -> None:
    exif = Image.Exif()
    exif[0x0112] = 3  # Turned upside down.
    two = Image.new("RGB", (128, 128), "red")
    two.paste("blue", (0, 64, 128, 128))
    turned = io.BytesIO()
    two.save(turned, "JPEG", exif=exif, quality=95)
    found = Image.open(io.BytesIO(avatars.drawn(turned.getvalue()))).convert("RGB")
    assert found.getpixel((64, 10))[2] > 200  # type: ignore[index]
    clear = io.BytesIO()
    Image.new("RGBA", (64, 64), (0, 0, 0, 0)).save(clear, "PNG")
    assert Image.open(io.BytesIO(avatars.drawn(clear.getvalue()))).convert("RGBA").getpixel((5, 5))[3] == 0  # type: ignore[index]


def bomb(width: int, height: int) -> bytes:
    """A PNG of some bytes that says it is this large."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"not a picture",
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"GIF89a" + bytes(40),
        picture()[:60],
        bomb(50_000, 50_000),
        bomb(4096, 4096),
        bomb(100_000, 1),
    ],
    ids=["empty", "text", "svg", "gif", "cut", "bomb", "large", "long"],
)
def test_what_is_no_picture_or_too_large_is_refused(sent: bytes) -> None:
    with pytest.raises(Invalid) as refused:
        avatars.drawn(sent)
    assert refused.value.code == "not_a_picture"


def test_a_picture_is_shown_for_ever_under_its_own_name(room: Room, cloud: Cloud) -> None:
    workspace, _, widget = made(cloud)
    answer = put(room, workspace, widget, picture())
    assert answer.status_code == 200, answer.text
    address = content(answer)["avatar_url"]
    name = address.removeprefix("http://localhost:8000/")
    assert name.startswith(f"v1/w/{widget}/avatar-")
    shown = published(widget)
    assert shown is not None
    assert shown["avatar_url"] == address
    blob = storage.client().bucket("cdn").get_blob(name)
    assert (blob.content_type, blob.cache_control) == ("image/webp", "public, max-age=31536000, immutable")
    again = put(room, workspace, widget, picture())
    assert content(again)["avatar_url"] == address
    assert storage.read("cdn", name) is not None


def test_an_old_picture_goes_when_the_new_one_is_shown(room: Room, cloud: Cloud) -> None:
    workspace, _, widget = made(cloud)
    first = content(put(room, workspace, widget, picture()))["avatar_url"].split("8000/")[1]
    second = content(put(room, workspace, widget, picture(colour="red"), "image/jpeg"))["avatar_url"].split("8000/")[1]
    assert (storage.read("cdn", first), storage.read("cdn", second) is not None) == (None, True)
    someone, path = callers.person("member", workspace), f"/api/widgets/{widget}"
    gone = room.ask("DELETE", f"{path}/avatar", someone, etag=etag(room.ask("GET", path, someone)))
    assert (gone.status_code, content(gone)["avatar_url"]) == (200, None)
    shown = published(widget)
    assert shown is not None
    assert shown["avatar_url"] is None
    assert storage.read("cdn", second) is None


def test_a_picture_that_did_not_get_there_is_known_and_put_away_later(
    room: Room, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, _, widget = made(cloud)
    name = avatars.name_of(widget, avatars.drawn(picture()))
    with monkeypatch.context() as without:
        without.setenv("STORAGE_EMULATOR_HOST", "http://127.0.0.1:9")
        without.setattr(storage, "SECONDS", 0.3)
        storage.client.cache_clear()
        assert put(room, workspace, widget, picture()).status_code == 503
    storage.client.cache_clear()
    kept = firestore.get(f"workspaces/{workspace}/widgets/{widget}").data
    assert (kept["avatar"], kept["avatars"]) == (name, [name])
    assert content(put(room, workspace, widget, picture()))["avatar_url"].endswith(name)
    assert storage.read("cdn", name) is not None


def test_a_widget_that_is_deleted_takes_its_picture_along(room: Room, cloud: Cloud) -> None:
    workspace, _, widget = made(cloud)
    name = content(put(room, workspace, widget, picture()))["avatar_url"].split("8000/")[1]
    someone, path = callers.person("member", workspace), f"/api/widgets/{widget}"
    assert room.ask("DELETE", path, someone, etag=etag(room.ask("GET", path, someone))).status_code == 204
    assert storage.read("cdn", name) is None
    assert storage.read("cdn", public_files.name_of(widget)) is None


def test_too_much_another_type_or_a_stale_etag_is_refused(room: Room, cloud: Cloud) -> None:
    workspace, _, widget = made(cloud)
    assert put(room, workspace, widget, bytes(avatars.MAX_BYTES + 1)).status_code == 413
    assert put(room, workspace, widget, b"<svg/>", "image/svg+xml").status_code == 415
    assert put(room, workspace, widget, picture(), etag="1.000000005").status_code == 412
    refused = put(room, workspace, widget, b"x")
    assert (refused.status_code, content(refused)["code"]) == (422, "not_a_picture")
    viewer = callers.person("viewer", workspace)
    headers = {**viewer.headers(), "If-Match": '"1.0"', "Content-Type": "image/png"}
    assert room.client.put(f"/api/widgets/{widget}/avatar", headers=headers, data=picture()).status_code == 403
