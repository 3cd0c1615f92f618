"""A widget's picture: whatever an owner sends is decoded and drawn anew, so that no byte of theirs reaches a visitor.

The picture is 128 by 128 WebP under a name that ends in its hash, so it may be cached for ever. The document knows every
name that may be in the bucket (`avatars`) before it is written there, so nothing is ever left behind.
"""

import hashlib
import io
import warnings
from typing import Any

from functions.shared import firestore, storage
from functions.shared.config import settings
from functions.shared.errors import Invalid

MAX_BYTES = 64 * 1024
MAX_SIDE = 4096
MAX_PIXELS = 4096 * 1024
"""A picture says its size before it is decoded; what would fill the memory is refused by that."""

SIDE = 128
TYPES = ("image/png", "image/jpeg", "image/webp")
CACHE = "public, max-age=31536000, immutable"

_FORMATS = ("PNG", "JPEG", "WEBP")


def drawn(content: bytes) -> bytes:
    """The picture as 128 by 128 WebP without any of its metadata, cut to its middle. Raises Invalid."""
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            # Pillow's own warning of bombs comes at sizes that are refused below anyway.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            picture = Image.open(io.BytesIO(content), formats=_FORMATS)
            width, height = picture.size
            if width > MAX_SIDE or height > MAX_SIDE or width * height > MAX_PIXELS:
                raise _refused(f"The picture is {width} by {height}; at most {MAX_PIXELS:,} pixels are read.")
            picture.seek(0)
            upright = ImageOps.exif_transpose(picture)
            fitted = ImageOps.fit(upright.convert("RGBA"), (SIDE, SIDE), Image.Resampling.LANCZOS)
            # A fresh picture has the pixels alone: no profile, no text, no place where it was taken.
            clean = Image.new("RGBA", fitted.size)
            clean.paste(fitted)
            result = io.BytesIO()
            clean.save(result, "WEBP", quality=85, method=4)
    except Invalid:
        raise
    # A decoder of foreign bytes may fail in any way; all of them mean the same for who sent it.
    except Exception as error:
        raise _refused("This is not a PNG, JPEG or WebP picture that can be read.") from error
    return result.getvalue()


def _refused(message: str) -> Invalid:
    return Invalid(message, code="not_a_picture", errors=[{"pointer": "", "message": message}])


def name_of(widget: str, picture: bytes) -> str:
    """The name of a picture in the CDN bucket, below the only folder that this room may write."""
    return f"v1/w/{widget}/avatar-{hashlib.sha256(picture).hexdigest()[:20]}.webp"


def exchanged(found: firestore.Snapshot, name: str | None) -> dict[str, Any]:
    """The fields of a widget's document with another picture, or none. Deletes what earlier exchanges left over.

    Raises Unavailable, and then nothing has changed.
    """
    present = found.data.get("avatar")
    delete([old for old in found.data.get("avatars", []) if old not in (present, name)])
    return {"avatar": name, "avatars": [one for one in dict.fromkeys((present, name)) if one]}


def write(name: str, picture: bytes) -> None:
    """Put the picture where visitors load it. Raises Unavailable."""
    storage.write(settings().cdn_bucket, name, picture, content_type="image/webp", cache_control=CACHE)


def delete(names: list[str]) -> None:
    """Take pictures away; those that are gone are no error. Raises Unavailable."""
    for name in names:
        storage.delete(settings().cdn_bucket, name)
