"""Starts the local Cloud Storage: python -m local.storage --data DIR --bucket cdn=public --bucket archive."""

import re
import sys

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local.process import arguments, die_with_parent
from local.serving import listen, serve
from local.storage.api import Api
from local.storage.objects import Bucket

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]")


def main() -> None:
    """Serve until SIGTERM."""
    parser = arguments("Cloud Storage's JSON API over files")
    parser.add_argument(
        "--bucket", action="append", metavar="NAME[=public]", help="default: cdn=public, archive and exports"
    )
    parser.add_argument("--identity", help="address of the local identity service, whose keys check signed URLs")
    options = parser.parse_args()
    die_with_parent()
    listener = listen(options.host, options.port)
    buckets: dict[str, Bucket] = {}
    for entry in options.bucket or ["cdn=public", "archive", "exports"]:
        name, _, access = entry.partition("=")
        if not _NAME.fullmatch(name) or access not in ("", "public"):
            sys.exit(f"--bucket {entry}: give NAME or NAME=public")
        buckets[name] = Bucket(options.data, name, public=access == "public")
    api = Api(options.data, buckets, options.identity)

    async def answer(request: Request) -> Response:
        return await api(request)

    serve(Starlette(routes=[Route("/{path:path}", answer, methods=_METHODS)]), [listener])


if __name__ == "__main__":
    main()
