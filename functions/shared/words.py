"""Words as conversations are found by: folded the same way when they are written and when they are searched."""

import re
import unicodedata
from collections.abc import Iterable

MOST = 60
"""Words kept of a conversation."""

_WORD = re.compile(r"[^\W_]{3,40}")
_COMMON_WORDS = """
    the and for are but not you all any can had her was one our out has him his how its may new now old see two who did
    get let put say she too use that with have this will your from they know want been good much some time very when
    come here just like long make many more only over such take than them well were what where which there their would
    could about please thanks thank hello der die das und ist sie ich ein eine nicht mit auf für von den dem wie was wer
    les des une est pas que qui pour dans los las una por con para
"""


def significant(text: str, known: Iterable[str] = ()) -> list[str]:
    """At most MOST significant words, folded, those known already first."""
    found = dict.fromkeys(known)
    for word in _WORD.findall(folded(text)):
        if word not in _COMMON:
            found.setdefault(word)
    return list(found)[:MOST]


def folded(text: str) -> str:
    """Lower case without accents; folding twice changes nothing more."""
    # Decomposing makes new capitals (𝐀 → A), so it comes before and after the case.
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    plain = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    # Composed again: Korean syllables were taken apart too, and would be three times as long.
    return unicodedata.normalize("NFC", plain)


_COMMON = frozenset(folded(_COMMON_WORDS).split())
