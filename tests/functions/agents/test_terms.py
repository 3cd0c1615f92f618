"""Terms: the same word is the same term, whichever way it is written."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from functions.agents.terms import SNOWBALL, _stemmer, language_of, question_terms, terms, words


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("When are you open on Saturday?", "english"),
        ("Wann haben Sie am Samstag geöffnet?", "german"),
        ("Quand êtes-vous ouverts le samedi ?", "french"),
        ("¿Cuándo están abiertos los sábados?", "spanish"),
        ("Сколько это стоит?", "russian"),
        ("温泉は何時までですか", ""),
    ],
)
def test_the_language_is_told_by_its_small_words(text, language):
    assert language_of(text) == language


def test_a_hint_wins():
    assert language_of("Hotel", "de-CH") == "german"
    assert language_of("Hotel", "tr") == "turkish"
    assert language_of("Hotel", "xx") == ""


@pytest.mark.parametrize(
    ("one", "other", "language"),
    [
        ("openings", "Opening", "english"),
        ("dentist's", "dentists", "english"),
        ("Preise", "PREIS", "german"),
        ("l'adresse", "adresses", "french"),
        ("café", "cafe", "spanish"),
        ("ｆｅｅ", "fees", "english"),
    ],
)
def test_forms_of_a_word_are_one_term(one, other, language):
    assert terms(one, language) == terms(other, language) != []


@pytest.mark.parametrize("language", sorted(SNOWBALL))
def test_every_language_has_the_package_s_own_stemmer(language):
    import snowballstemmer

    word = "internationalisations"
    assert _stemmer(language).stemWord(word) == snowballstemmer.stemmer(language).stemWord(word)


def test_scripts_without_spaces_give_pairs():
    assert terms("温泉旅館", "") == ["温泉", "泉旅", "旅館"]
    assert question_terms("温泉は何時までですか", ()) == [("温泉",)]


def test_a_question_is_read_in_every_language_of_the_index():
    groups = question_terms("Hunde erlaubt", ("english", "german"))
    assert "hund" in groups[0]


def test_words_are_folded():
    assert words("Straße, ÉTÉ & 12:30") == ["strasse", "été", "12", "30"]


def test_threads_do_not_disturb_each_other():
    from functions.agents import terms as module

    texts = [f"running{n} happily{n} nations{n}ing" for n in range(400)]
    module._terms.cache_clear()
    alone = [terms(text, "english") for text in texts]
    module._terms.cache_clear()
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda text: terms(text, "english"), texts)) == alone
