"""Reads URL-encoded bodies, which OAuth wants, without a multipart parser, which nothing else here would use."""

import urllib.parse

from starlette.requests import Request


async def form(request: Request) -> dict[str, str]:
    """The fields of an URL-encoded body; of a repeated field the last."""
    return dict(urllib.parse.parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True))
