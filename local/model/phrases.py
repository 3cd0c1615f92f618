"""The few sentences of its own that the offline model has, in the visitor's language.

They are what it can say honestly without a language model: a greeting, thanks, that it does not know, that a person
takes over. Everything else is quoted.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Phrases:
    """One language: how it is recognised and what is said in it."""

    marks: frozenset[str]
    greetings: frozenset[str]
    thanks: frozenset[str]
    person: re.Pattern[str]
    greet: str
    welcome: str
    unknown: str
    offer: str
    hand_off: str


def _phrases(marks: str, greetings: str, thanks: str, person: str, *texts: str) -> Phrases:
    return Phrases(
        frozenset(marks.split()),
        frozenset(greetings.split(",")),
        frozenset(thanks.split(",")),
        re.compile(person, re.IGNORECASE),
        *texts,
    )


LANGUAGES: dict[str, Phrases] = {
    "en": _phrases(
        "the is are you what when where how do does can i my a an to of for it please and your much who which",
        "hello,hi,hey,good morning,good afternoon,good evening,hello there,hi there",
        "thanks,thank you,thank you very much,thanks a lot,great thanks,ok thanks",
        r"\b(speak|talk|chat|connect me)\b.{0,20}\b(to|with)\b.{0,20}\b(human|person|someone|somebody|agent|employee"
        r"|staff|representative|operator)\b|\b(real|live) (human|person|agent)\b|\bhuman please\b",
        "Hello! What would you like to know?",
        "You are welcome.",
        "I don't know: nothing in what I was given answers that.",
        "Would you like me to pass your question on to a person?",
        "I am passing you on to a person.",
    ),
    "de": _phrases(
        "der die das ist sind sie was wann wo wie ich mein ein eine und für gibt es haben kann bitte mit zu wer ihr",
        "hallo,guten tag,guten morgen,guten abend,hi,moin,servus,grüezi,grüß gott",
        "danke,vielen dank,danke schön,dankeschön,danke sehr,besten dank",
        r"\b(mit|zu)\b.{0,20}\b(mensch\w*|person|mitarbeiter\w*|jemand\w*|berater\w*)\b.{0,30}\b(sprechen|reden|verbinden)"
        r"|\bmenschlichen? \w+",
        "Guten Tag! Was möchten Sie wissen?",
        "Gern geschehen.",
        "Das weiß ich nicht: In dem, was mir vorliegt, steht dazu nichts.",
        "Soll ich Ihre Frage an einen Menschen weitergeben?",
        "Ich gebe Sie an einen Menschen weiter.",
    ),
    "fr": _phrases(
        "le la les est sont vous que quoi quand où comment je mon un une et pour avez il y a des du avec quel quelle à",
        "bonjour,bonsoir,salut,coucou",
        "merci,merci beaucoup,merci bien",
        r"\bparler (à|avec|a)\b.{0,20}\b(humain|personne|quelqu'un|conseiller|conseillère)\b",
        "Bonjour ! Que souhaitez-vous savoir ?",
        "Avec plaisir.",
        "Je ne sais pas : rien dans ce que j'ai sous les yeux n'y répond.",
        "Voulez-vous que je transmette votre question à une personne ?",
        "Je vous passe une personne.",
    ),
    "es": _phrases(
        "el la los las es son usted qué que cuándo dónde cómo yo mi un una y para tienen hay puedo con cuánto de por",
        "hola,buenos días,buenas tardes,buenas noches,buenas",
        "gracias,muchas gracias,mil gracias",
        r"\bhablar con\b.{0,20}\b(humano|persona|alguien|agente|asesor)\b",
        "¡Hola! ¿Qué desea saber?",
        "De nada.",
        "No lo sé: nada de lo que tengo lo responde.",
        "¿Quiere que pase su pregunta a una persona?",
        "Le paso con una persona.",
    ),
    "it": _phrases(
        "il lo la gli è sono lei che cosa quando dove come io mio un una e per avete c'è posso con quanto quale di del",
        "ciao,buongiorno,buonasera,salve",
        "grazie,grazie mille,molte grazie",
        r"\bparlare con\b.{0,20}\b(umano|persona|qualcuno|operatore|operatrice)\b",
        "Buongiorno! Che cosa desidera sapere?",
        "Prego.",
        "Non lo so: in ciò che ho non c'è la risposta.",
        "Vuole che passi la sua domanda a una persona?",
        "La passo a una persona.",
    ),
    "pt": _phrases(
        "o a os as é são você que quando onde como eu meu um uma e para têm há posso com quanto qual de do da em",
        "olá,oi,bom dia,boa tarde,boa noite",
        "obrigado,obrigada,muito obrigado,muito obrigada",
        r"\bfalar com\b.{0,20}\b(humano|pessoa|alguém|atendente)\b",
        "Olá! O que deseja saber?",
        "De nada.",
        "Não sei: nada do que tenho responde a isso.",
        "Quer que eu passe a sua pergunta a uma pessoa?",
        "Vou passar a uma pessoa.",
    ),
    "nl": _phrases(
        "de het een is zijn u wat wanneer waar hoe ik mijn en voor heeft er kan met te van wie welke jullie kunnen",
        "hallo,hoi,goedemorgen,goedemiddag,goedenavond,dag",
        "bedankt,dank u,dank je,dank u wel,dankjewel",
        r"\bmet (een )?(mens|persoon|iemand|medewerker)\b.{0,20}\b(spreken|praten)\b",
        "Hallo! Wat wilt u weten?",
        "Graag gedaan.",
        "Dat weet ik niet: in wat ik heb, staat er niets over.",
        "Zal ik uw vraag aan een medewerker doorgeven?",
        "Ik geef u door aan een medewerker.",
    ),
}


def language_of(text: str) -> str:
    """The language whose greeting or small words the text has; English when nothing tells."""
    plain = _plain(text)
    for code, phrases in LANGUAGES.items():
        if plain in phrases.greetings or plain in phrases.thanks:
            return code
    found = plain.split()
    scores = {code: sum(word in phrases.marks for word in found) for code, phrases in LANGUAGES.items()}
    return max(scores, key=lambda code: scores[code])


def is_greeting(text: str, phrases: Phrases) -> bool:
    """Whether the text is a greeting and nothing else."""
    return _plain(text) in phrases.greetings


def is_thanks(text: str, phrases: Phrases) -> bool:
    """Whether the text only says thanks."""
    return _plain(text) in phrases.thanks


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[^\w\s']", " ", text.casefold()).split())
