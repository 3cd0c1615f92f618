"""Turns text of any language into the terms that are compared when knowledge is searched.

Words are stemmed by Snowball in the language of the passage; a question is stemmed in every language that the index
holds, as nobody says in which one it is asked. Scripts without spaces give pairs of characters.
"""

import importlib
import importlib.util
import re
import sys
import threading
import types
import unicodedata
from collections import Counter
from functools import cache, lru_cache
from typing import Any

# Function words: they say nothing about what is asked, and they tell the language.
STOP_WORDS = {
    language: frozenset(words.split())
    for language, words in {
        "english": """
            a about an and any are as at be been but by can could did do does for from had has have here how i if in
            is it its may me my no not of on or our please shall should so some than that the their them then there
            these they this to us was we were what when where which who will with would you your i'm i'd what's it's
            don't am very need want like know tell get give just really much many also hello hi thanks thank into
            doing being while only
        """,
        "german": """
            aber als am an auch auf aus bei bin bis bitte da das dass dem den der des die du ein eine einem einen
            einer es für gibt haben hat hier ich ihr ihre ihren im in ist ja kann können man mein meine mich mir mit
            muss nach nicht noch nur oder sein sich sie sind so und uns unser vom von vor wann war was welche wer
            werden wie wir wird wo zu zum zur über darf dürfen ins möchte will wollen sehr brauche hallo danke viel
            dein deine beim nun denn doch mehr
        """,
        "french": """
            a ai au aux avec avez c ce ces cette combien comment d dans de des du elle en est et être il ils j je l
            la le les leur lui ma mais me mes moi mon n ne nos notre nous on ou où par pas peut peux pour puis qu
            quand que quel quelle quelles quels qui s sa se ses son sont sur t te tu un une vos votre vous y à
            bonjour merci voudrais veux très besoin avoir faire fait faut
        """,
        "spanish": """
            a al algo como con cual cuál cuando cuándo cuánto cuánta de del desde donde dónde el ella en entre es
            esta está este esto hay la las le les lo los me mi más muy no nos o para pero por puede puedo que qué
            quien se ser si sin sobre son su sus te tiene tienen tu un una uno y ya yo hola gracias quiero necesito
            tener hacer cuanto cuanta quisiera
        """,
        "italian": """
            a ad ai al alla anche c che chi ci come con cosa cui da dal dei del della delle di dove e è ed gli ha ho
            i il in io l la le lo ma mi mia mio ne nei nel nella noi non o per perché più posso può qual quale
            quando quanto quanti se si sono su sua suo ti tra tu un una uno vi voi ciao grazie vorrei voglio molto
            fare avere bisogno
        """,
        "portuguese": """
            a ao aos as com como da das de do dos e é ela ele em entre está eu foi há isso isto já lhe mais mas me
            meu minha muito na não nas no nos nós o onde os ou para pela pelo por posso pode qual quando quanto que
            quem são se sem seu sua tem um uma você olá obrigado obrigada quero preciso gostaria fazer ter
        """,
        "dutch": """
            aan al als ben bij dan dat de deze die dit doen door dus een en er geen haar had heb hebben heeft het
            hier hoe hun ik in is ja je jij jullie kan kunnen maar me met mij mijn moet na naar niet nog nu of om
            ons onze ook op over te tot u uit uw van voor waar wanneer wat we welke wie wij wordt zijn zo hallo
            bedankt graag wil nodig heel veel
        """,
        "swedish": """
            att av de den det du där ett en från för har hur här i inte jag kan med men min mitt när nu och om på
            ska som till var vad vi vilka är
        """,
        "danish": """
            af at de den der det du en er et for fra har hvad hvor hvornår hvordan i ikke jeg kan man med men min og
            om på skal som til vi være
        """,
        "turkish": """
            bir bu da de için ile mi mı ne nasıl nerede ve var mısınız kadar zaman siz ben biz o çok
        """,
        "polish": """
            a ale bardzo chcę co czy do dla dziękuję gdzie i ile jak jaki jakie jest kiedy kto ma mam masz można mogę
            na nie o od po proszę przy są się ten to w we z za że
        """,
        "russian": """
            а без бы был быть в вам вас ваш все вы где да для до его если есть и из или как какие какой когда ли мне
            можно мой мы на не но о от по при с сколько так то у что это я привет спасибо хочу нужно очень
        """,
    }.items()
}
# Snowball's names of languages, by the codes of ISO 639-1.
_NAMES = """
    ar:arabic hy:armenian eu:basque ca:catalan da:danish nl:dutch en:english fi:finnish fr:french de:german
    el:greek hi:hindi hu:hungarian id:indonesian ga:irish it:italian lt:lithuanian ne:nepali no:norwegian
    nb:norwegian pt:portuguese ro:romanian ru:russian sr:serbian es:spanish sv:swedish ta:tamil tr:turkish
    pl:polish cs:czech et:estonian fa:persian
"""
_CODES = dict(pair.split(":") for pair in _NAMES.split())
SNOWBALL = frozenset(_CODES.values())
_UNSPACED = "぀-ヿㄱ-ㆎ㐀-䶿一-鿿가-힯豈-﫿฀-๿"
# Texts, not patterns: `re` compiles them when they are first used (and keeps them), which takes 9 ms of a cold start.
_WORD = rf"[{_UNSPACED}]+|[^\W_{_UNSPACED}]+(?:['’][^\W_{_UNSPACED}]+)*"
# Japanese and Chinese: how questions are phrased, and hiragana, which carries grammar.
_PHRASES = re.compile(
    "何時|何処|何|教えて|下さい|请问|什么|哪里|哪儿|怎么|多少|几点|可以|有没有|請問|什麼|哪裡|怎麼|幾點"
)
_GRAMMAR = re.compile("[぀-ゟ]+")
_IS_UNSPACED = rf"[{_UNSPACED}]"
_ELIDING = frozenset({"french", "italian", "catalan"})
_stemmers = threading.local()


def words(text: str) -> list[str]:
    """The words of a text, case folded; stretches of scripts without spaces stay whole."""
    return re.findall(_WORD, unicodedata.normalize("NFKC", text).casefold())


def language_of(text: str, hint: str = "") -> str:
    """A Snowball language: the hint (a name, or a code such as `de-CH`) or the one whose function words are commonest.

    Empty when nothing tells.
    """
    name = _CODES.get(hint.partition("-")[0].casefold(), hint.casefold())
    if name in SNOWBALL:
        return name
    found = Counter(word for word in words(text[:4000]) if len(word) < 9)
    scores = {language: sum(found[word] for word in stop) for language, stop in STOP_WORDS.items()}
    best = max(scores, key=lambda language: scores[language])
    return best if scores[best] else ""


def terms(text: str, language: str) -> list[str]:
    """The terms of a passage in its language, without function words."""
    stop = STOP_WORDS.get(language, frozenset())
    return [term for word in words(text) if word not in stop for term in _terms(word, language)]


def question_terms(text: str, languages: tuple[str, ...]) -> list[tuple[str, ...]]:
    """For each significant word of a question, the terms under which the index may hold it.

    A word is left out only when it is a function word of the question's own language.
    """
    asked = language_of(text)
    stop = STOP_WORDS.get(asked, frozenset())
    every = tuple(dict.fromkeys((*languages, asked)))
    groups: list[tuple[str, ...]] = []
    for word in words(text):
        if word in stop:
            continue
        if re.match(_IS_UNSPACED, word):
            content = [part for part in _GRAMMAR.split(_PHRASES.sub("の", word)) if part]
            groups += [(pair,) for part in content for pair in _terms(part, "")]
        else:
            groups.append(tuple(dict.fromkeys(term for language in every for term in _terms(word, language))))
    return list(dict.fromkeys(groups))


@lru_cache(maxsize=20_000)
def _terms(word: str, language: str) -> tuple[str, ...]:
    if re.match(_IS_UNSPACED, word):
        return tuple(word[i : i + 2] for i in range(max(1, len(word) - 1)))
    # "dentist's" is about the dentist, "l'adresse" about the address.
    parts = word.replace("’", "'").split("'")
    word = parts[-1] if language in _ELIDING else parts[0]
    stem = _stemmer(language).stemWord(word) if language in SNOWBALL else word
    plain = unicodedata.normalize("NFD", stem)
    return ("".join(char for char in plain if not unicodedata.combining(char)),)


def _stemmer(language: str) -> Any:
    """One per thread, since a stemmer keeps the word that it works on in itself."""
    kept = _stemmers.__dict__
    if language not in kept:
        kept[language] = _stemmer_class(language)()
    return kept[language]


@cache
def _stemmer_class(language: str) -> Any:
    """Import one language: the package's own front imports all thirty, a tenth of a second of every cold start.

    An alias of the package with the same files, but without its front, serves the relative imports inside.
    """
    alias = "snowball_by_language"
    if alias not in sys.modules:
        spec = importlib.util.find_spec("snowballstemmer")
        if spec is None or spec.submodule_search_locations is None:
            raise ModuleNotFoundError("snowballstemmer")
        package = types.ModuleType(alias)
        package.__path__ = list(spec.submodule_search_locations)
        sys.modules[alias] = package
    module = importlib.import_module(f"{alias}.{language}_stemmer")
    return getattr(module, f"{language.capitalize()}Stemmer")
