"""Which statuses a route may answer with: what its declaration brings, and what it `refuses` besides.

The contract lists exactly these, and the tests refuse any other answer of any test. A status that the gateway gives in our
place, such as 504, is `default`.
"""

from functions.shared.http.routes import Route

MEANINGS = {
    304: "It has not changed since the ETag in If-None-Match.",
    400: "The request cannot be read.",
    401: "Nobody we know is calling.",
    402: "The spending cap is reached.",
    403: "The caller may not do this.",
    404: "It does not exist, or belongs to another workspace.",
    409: "It does not fit the present state, or the Idempotency-Key is that of another request.",
    412: "It has changed since the ETag in If-Match.",
    413: "The body is too large.",
    415: "The body's media type is not taken here.",
    422: "Some values are not valid; `errors` says which.",
    428: "If-Match is missing.",
    429: "Too many requests; Retry-After says when to come again.",
    500: "A fault of ours; nothing of it is told but the request id.",
    503: "Not available at this moment; Retry-After says when to come again.",
}
"""Every status but those of success, in words."""


def announced(route: Route) -> list[int]:
    """The statuses of a route beside that of success, in their order."""
    # 401 and 403 of a public route are those of a caller who came past the gateway.
    found = {400, 401, 403, 404, 422, 500, 503, *route.refuses}
    if route.method == "GET":
        found |= {304} if route.etag else set()
    else:
        # A commit that another one came before, or a key that is another request's.
        found.add(409)
    if route.if_match:
        found |= {412, 428}
    if route.body is not None:
        found |= {413, 415}
    return sorted(found)
