"""A file from outside is read without building what it describes: no bombs, no code, and each fault with its place."""

import time

import pytest

from functions.agents import yaml_reader
from functions.shared.errors import Invalid, Malformed, TooLarge

BOMB = "\n".join(
    ["a0: &a0 [x, x, x, x, x, x, x, x, x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
)


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        (BOMB, "yaml_alias", (1, 5)),
        ("name: x\ngoals: *g", "yaml_alias", (2, 8)),
        ("name: !!python/object/apply:os.system [echo]", "yaml_tag", (1, 7)),
        ("name: !!str x", "yaml_tag", (1, 7)),
        ("!agent\nname: x", "yaml_tag", (1, 1)),
        ("name: x\nname: y", "duplicate_key", (2, 1)),
        ("name: x\nmodel:\n  id: a\n  id: b", "duplicate_key", (4, 3)),
        ("name: x\n---\nname: y", "many_documents", (2, 1)),
        ("%YAML 1.1\n---\nname: no", "yaml_directive", (2, 1)),
        ("a: " + "[" * 200_000, "too_deep", (1, 15)),
        ("a: [" + "1, " * 80_000 + "]", "too_many_nodes", None),
        ("? [a]\n: 1", "bad_key", (1, 3)),
        ("a: 1e999", "bad_number", (1, 4)),
        ('a: "\\ud800"', "bad_text", (1, 4)),
        ("- a\n- b", "not_a_mapping", (1, 1)),
        ("", "not_a_mapping", (1, 1)),
        ("just words", "not_a_mapping", (1, 1)),
    ],
)
def test_what_is_dangerous_or_unclear_is_refused_with_its_place(text, code, place):
    started = time.monotonic()
    with pytest.raises(Invalid) as caught:
        yaml_reader.read(text.encode())
    assert time.monotonic() - started < 5
    assert caught.value.code == code
    error = caught.value.errors[0]
    assert place in (None, (error["line"], error["column"]))


@pytest.mark.parametrize(
    ("content", "line"),
    [(b"a: [1,\n  b: }", 2), (b"a: 1\n\tb: 2", 2), (b"a: 1\nb: x\x00", 2), (b'a: "\\U00110000"', 1), (b"a: 'x", 1)],
)
def test_what_is_no_yaml_is_malformed_at_a_line(content, line):
    with pytest.raises(Malformed) as caught:
        yaml_reader.read(content)
    assert caught.value.code == "not_yaml"
    assert caught.value.errors[0]["line"] == line


def test_a_file_has_a_largest_size_and_is_utf8():
    with pytest.raises(TooLarge):
        yaml_reader.read(b"a: " + b"x" * yaml_reader.MAX_BYTES)
    with pytest.raises(Malformed):
        yaml_reader.read(b"a: \xff")


def test_texts_stay_as_they_are_written():
    words = ["no", "yes", "on", "off", "y", "12:30", "2026-01-01", "1_000", "0x10", "0o7", "01", ".inf", "NULL", "True"]
    read = yaml_reader.read("\n".join(["words:", *(f"  - {word}" for word in words)]).encode())
    assert read.values == {"words": words}


def test_the_core_of_yaml_has_its_types():
    read = yaml_reader.read(b"a: 1\nb: -2.5\nc: true\nd: null\ne: ~\nf:\ng: '1'\nh: 1e3\ni: |\n  x\n  y\n")
    assert read.values == {
        "a": 1, "b": -2.5, "c": True, "d": None, "e": None, "f": None, "g": "1", "h": 1000.0, "i": "x\ny\n",
    }  # fmt: skip


def test_the_key_named_merge_is_a_key_like_others():
    assert yaml_reader.read(b"<<: {a: 1}").values == {"<<": {"a": 1}}


def test_a_fault_found_later_gets_the_place_of_its_value():
    read = yaml_reader.read(b"name: x\ngoals:\n  - fine\n  - 5\n")
    placed = read.placed(
        Invalid(errors=[{"pointer": "/goals/1", "message": "m"}, {"pointer": "/model", "message": "m"}])
    )
    assert [(e["line"], e["column"]) for e in placed.errors] == [(4, 5), (1, 1)]


@pytest.mark.parametrize("seed", range(40))
def test_no_bytes_whatever_raise_anything_but_a_problem(seed):
    import random

    dice = random.Random(seed)
    alphabet = "ab:-[]{}#&*!|>'\"%@`,? \n\t\\0x\u00e9\u2028\ufeff"
    text = "".join(dice.choice(alphabet) for _ in range(dice.randrange(1, 120)))
    try:
        values = yaml_reader.read(text.encode()).values
    except (Malformed, Invalid):
        return
    assert isinstance(values, dict)
