"""Documents that people bring along, and some that nobody should: made here, byte by byte where it matters."""

import io
import warnings
import zlib

from fpdf import FPDF
from fpdf.enums import AccessPermission

PAGE = """<!doctype html><html><head><meta charset="utf-8"><title>Smile — Prices</title>
<style>p { color: red }</style><script>var secretScript = "<p>scripted</p>";</script></head>
<body><nav><a href="/">Home of navigation</a></nav>
<header><h1>Smile Dental</h1></header>
<main><h2>Cleaning</h2><p>A cleaning costs <b>89</b>&nbsp;dollars &amp; takes 45 minutes.</p>
<ul><li>with polish</li><li>without pain</li></ul>
<table><tr><th>Size</th><th>Price</th></tr><tr><td>small</td><td>120</td></tr></table>
<div hidden>hidden words</div><noscript>noscript words</noscript>
<!-- a comment --></main>
<footer>imprint words</footer></body></html>"""


def pdf(*pages: str, title: str = "", password: str = "", restricted: bool = False) -> bytes:
    """A PDF with a page of text each; a page without one is a picture."""
    document = FPDF()
    if title:
        document.set_title(title)
    if password or restricted:
        document.set_encryption("owner", password, permissions=AccessPermission.none())
    document.set_font("Helvetica", size=11)
    for page in pages:
        document.add_page()
        if page:
            document.multi_cell(0, 6, page)
        else:
            document.rect(20, 20, 100, 100, style="F")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return bytes(document.output())


def scan(pages: int = 2) -> bytes:
    """A PDF whose pages are pictures."""
    document = FPDF()
    for _ in range(pages):
        document.add_page()
        document.rect(20, 20, 100, 100, style="F")
    return bytes(document.output())


def raw_pdf(pages: int, stream: bytes = b"BT ET") -> bytes:
    """A PDF by hand, with so many pages that all show one compressed stream."""
    packed = zlib.compress(stream, 9)
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Count %d /Kids [%s] >>"
        % (pages, b" ".join(b"%d 0 R" % (number + 5) for number in range(pages))),
        b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (len(packed), packed),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        *(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 99 99] /Contents 3 0 R /Resources << /Font << /F 4 0 R >> >> >>"
            for _ in range(pages)
        ),
    ]
    out = io.BytesIO()
    out.write(b"%PDF-1.4\n")
    places = []
    for number, data in enumerate(objects, 1):
        places.append(out.tell())
        out.write(b"%d 0 obj\n%s\nendobj\n" % (number, data))
    start = out.tell()
    out.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1))
    for place in places:
        out.write(b"%010d 00000 n \n" % place)
    out.write(b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, start))
    return out.getvalue()


def bomb() -> bytes:
    """A PDF whose single stream unpacks to a hundred megabytes."""
    return raw_pdf(1, b" " * 100_000_000)


def endless() -> bytes:
    """A PDF whose pages each take long to read: hundreds of thousands of operators in a few kilobytes."""
    return raw_pdf(400, b"BT /F 1 Tf (x) Tj " + b"1 0 0 1 0 0 cm (abcdefgh) Tj " * 60_000 + b"ET")
