"""Knowledge is searchable when the write is answered, survives rivals and a silent model, and leaves nothing behind."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from functions.agents import connections, knowledge_index, repository
from functions.agents.index import decode
from functions.agents.models import KnowledgeState
from functions.shared import config, contracts, firestore
from local.process import free_port
from tests.functions.agents import files
from tests.functions.agents.studio import Answered, Studio
from tests.functions.rooms import lose_answer

LEAFLET = "A cleaning costs 89 dollars. "
PRICES = "# Prices\n\n## Cleaning\n\nA cleaning costs 89 dollars.\n\n## Whitening\n\nBleaching costs 350 dollars.\n"


def qa(question: str, answer: str, title: str = "Questions") -> dict:
    return {"kind": "qa", "title": title, "pairs": [{"question": question, "answer": answer}]}


@pytest.fixture
def path(studio: Studio) -> str:
    return f"/api/agents/{studio.agent().body['id']}/knowledge"


def found(studio: Studio, path: str, question: str) -> list[dict]:
    answer = studio.ask("POST", f"{path}/search", {"question": question})
    assert answer.status == 200, answer.body
    return answer.body["items"]


def state(studio: Studio, path: str) -> KnowledgeState:
    agent = firestore.get(contracts.path(studio.workspace, "agents", path.split("/")[3])).data
    return KnowledgeState.model_validate(agent["knowledge"])


def test_an_item_is_found_as_soon_as_it_is_stored(studio: Studio, path: str):
    made = studio.ask("POST", path, {"kind": "markdown", "title": "Price list", "text": PRICES})
    assert made.status == 201, made.body
    assert (made.body["embedded"], made.body["passages"], made.body["warning"]) == (True, 2, None)
    hit = found(studio, path, "What does a cleaning cost?")[0]
    assert (hit["item_id"], hit["title"]) == (made.body["id"], "Price list › Prices › Cleaning")
    assert "89" in hit["text"]
    assert hit["cosine"] is not None
    assert found(studio, path, "Who won the football match?") == []
    read = studio.get(f"{path}/{made.body['id']}")
    assert (read.body["text"], read.etag) == (PRICES, made.etag)
    now = state(studio, path)
    assert (now.items, now.passages, now.embedding_model) == (1, 2, "wordllama-256")


def test_items_are_listed_replaced_and_forgotten(studio: Studio, path: str):
    items = [studio.ask("POST", path, qa(f"Where is room {n}?", f"On floor {n}.")) for n in range(3)]
    first = studio.get(f"{path}?page_size=2").body
    rest = studio.get(f"{path}?page_size=2&page_token={first['next_page_token']}").body
    assert [item["id"] for item in first["items"] + rest["items"]] == [item.body["id"] for item in items]
    one = f"{path}/{items[0].body['id']}"
    put = studio.ask("PUT", one, qa("Do you validate parking?", "Yes, for two hours."), etag=items[0].etag)
    assert put.status == 200, put.body
    assert studio.get(one).body["pairs"][0]["answer"] == "Yes, for two hours."
    assert found(studio, path, "Do you validate parking?")[0]["item_id"] == put.body["id"]
    assert studio.ask("PUT", one, qa("x", "y"), etag=items[0].etag).status == 412
    assert studio.ask("DELETE", one, etag=items[0].etag).status == 412
    assert studio.ask("DELETE", one).status == 428
    assert studio.ask("DELETE", one, etag=put.etag).status == 204
    assert found(studio, path, "Do you validate parking?") == []
    assert studio.get(one).status == 404
    assert state(studio, path).items == 2


def test_what_an_item_was_and_is_stands_in_the_audit_log_without_its_content(studio: Studio, path: str):
    made = studio.ask("POST", path, qa("Is there a lift?", "Yes, a lift."))
    one = f"{path}/{made.body['id']}"
    put = studio.ask("PUT", one, {"kind": "markdown", "title": "Prices", "text": PRICES}, etag=made.etag)
    assert studio.ask("DELETE", one, etag=put.etag).status == 204
    entries = firestore.find(firestore.Query(contracts.path(studio.workspace, "activity"), order=("at",)))
    told = [one.data for one in entries if one.data["action"].startswith("knowledge.")]
    old = {"item": made.body["id"], "title": "Questions", "kind": "qa", "language": "", "bytes": 28, "passages": 1}
    new = {**old, "title": "Prices", "kind": "markdown", "bytes": len(PRICES.encode()), "passages": 2}
    assert [(entry["action"], entry["before"], entry["after"]) for entry in told] == [
        ("knowledge.added", None, old),
        ("knowledge.changed", old, new),
        ("knowledge.deleted", new, None),
    ]


def test_a_repeat_after_a_crash_leaves_one_item(studio: Studio, path: str):
    first = studio.ask("POST", path, qa("When?", "Nine to five."), Idempotency_Key="crashed")
    lose_answer(studio.someone, "crashed")
    again = studio.ask("POST", path, qa("When?", "Nine to five."), Idempotency_Key="crashed")
    assert (again.status, again.body["id"]) == (201, first.body["id"])
    assert [item["id"] for item in studio.get(path).body["items"]] == [first.body["id"]]


def test_the_last_item_leaves_an_empty_index(studio: Studio, path: str):
    made = studio.ask("POST", path, qa("Is there a lift?", "Yes."))
    assert studio.ask("DELETE", f"{path}/{made.body['id']}", etag=made.etag).status == 204
    assert found(studio, path, "Is there a lift?") == []
    assert (state(studio, path).parts, state(studio, path).items) == (0, 0)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"kind": "qa", "title": "t", "text": "x"}, 422),
        ({"kind": "text", "title": "t"}, 422),
        ({"kind": "text", "title": "t", "text": "x", "pairs": [{"question": "q", "answer": "a"}]}, 422),
        ({"kind": "text", "title": "t", "text": "   "}, 422),
        ({"kind": "markdown", "title": "t", "text": "# Only\n\n## Headings\n"}, 422),
        ({"kind": "text", "title": "", "text": "x"}, 422),
        ({"kind": "web", "title": "t", "text": "x"}, 422),
        ({"kind": "pdf", "title": "t", "text": "x"}, 422),
        ({"kind": "html", "title": "t", "text": "<script>x</script>"}, 422),
        ({"kind": "qa", "title": "t", "pairs": []}, 422),
        ({"kind": "text", "title": "t", "text": "x" * 1_000_001}, 413),
    ],
)
def test_what_is_no_knowledge_is_refused(studio: Studio, path: str, body, status):
    assert studio.ask("POST", path, body).status == status
    assert studio.get(path).body["items"] == []


def test_a_megabyte_that_does_not_compress_is_one_item(studio: Studio, path: str):
    import random

    dice = random.Random(7)
    letters = "".join(dice.choices("abcdefghijklmnopqrstuvwxyz", k=912_000))
    words = [letters[at : at + 12] for at in range(0, len(letters), 12)]
    text = "\n\n".join(" ".join(words[at : at + 60]) for at in range(0, len(words), 60))[:999_000]
    made = studio.ask("POST", path, {"kind": "text", "title": "Long", "text": text})
    assert made.status == 201, made.body
    assert studio.get(f"{path}/{made.body['id']}").body["text"] == text
    assert state(studio, path).parts > 1
    assert found(studio, path, f"{words[40_000]} {words[40_001]}")[0]["item_id"] == made.body["id"]


def test_writers_who_meet_lose_no_item(studio: Studio, path: str):
    kept = studio.ask("POST", path, qa("Old?", "Kept."))
    gone = studio.ask("POST", path, qa("Wrong?", "Removed."))
    together = threading.Barrier(6)

    def write(number: int) -> Answered:
        together.wait()
        if number == 5:
            return studio.ask("DELETE", f"{path}/{gone.body['id']}", etag=gone.etag)
        return studio.ask("POST", path, qa(f"What is code number{number}?", f"It is secretword{number}."))

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(write, range(6)))
    assert [answer.status for answer in answers] == [201] * 5 + [204]
    ids = {item["id"] for item in studio.get(path).body["items"]}
    assert ids == {kept.body["id"], *(answer.body["id"] for answer in answers[:5])}
    for number in range(5):
        assert found(studio, path, f"What is code number{number}?")[0]["text"] == f"It is secretword{number}."
    assert state(studio, path).items == 6


def test_two_who_change_one_item_do_not_overwrite_each_other(studio: Studio, path: str):
    made = studio.ask("POST", path, qa("Q?", "A."))
    together = threading.Barrier(2)

    def write(number: int) -> int:
        together.wait()
        return studio.ask("PUT", f"{path}/{made.body['id']}", qa("Q?", f"A{number}."), etag=made.etag).status

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(write, range(2))) == [200, 412]


def test_parts_that_nobody_reads_are_cleared_away(studio: Studio, path: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(knowledge_index, "_SKEW_MS", 0)
    agent = path.split("/")[3]
    batch = firestore.Batch()
    batch.set(
        contracts.path(studio.workspace, "agents", agent, "chunks", "0000000000abcdefghjkmnpqrs_0"), {"bytes": b""}
    )
    batch.commit()
    made = studio.ask("POST", path, qa("Q?", "A0."))
    for number in range(1, 4):
        made = studio.ask("PUT", f"{path}/{made.body['id']}", qa("Q?", f"A{number}."), etag=made.etag)
    names = repository.chunk_ids(studio.workspace, agent)
    assert len([name for name in names if "." in name]) == 1
    indexes = [name for name in names if "." not in name]
    assert len(indexes) == 2
    assert f"{state(studio, path).revision}_0" in indexes


def test_without_the_model_knowledge_is_stored_and_found_by_words_and_embedded_later(
    studio: Studio, path: str, monkeypatch: pytest.MonkeyPatch
):
    before = studio.ask("POST", path, qa("Is there a lift?", "Yes, a lift and a ramp."))
    with monkeypatch.context() as broken:
        broken.setenv("OFFLINE_MODEL_URL", f"http://127.0.0.1:{free_port()}/v1")
        config.settings.cache_clear()
        connections.provider.cache_clear()
        made = studio.ask("POST", path, qa("Where can I park?", "Behind the building."))
        assert made.status == 201, made.body
        assert made.body["embedded"] is False
        assert "words" in made.body["warning"]
        assert found(studio, path, "Where can I park?")[0]["cosine"] is None
    config.settings.cache_clear()
    connections.provider.cache_clear()
    assert found(studio, path, "Is there a lift?")[0]["item_id"] == before.body["id"]
    assert found(studio, path, "Where can I park?")[0]["item_id"] == made.body["id"]
    unchanged = studio.get(f"{path}/{before.body['id']}").etag
    studio.ask("POST", path, qa("Do you treat children?", "From three years on."))
    items = studio.get(path).body["items"]
    assert all(item["embedded"] for item in items)
    # Only what had no vectors was embedded and written again.
    assert studio.get(f"{path}/{before.body['id']}").etag == unchanged == before.etag


def test_a_page_is_read_and_found_under_its_heading(studio: Studio, path: str):
    made = studio.ask("POST", path, {"kind": "html", "title": "Site", "text": files.PAGE})
    assert made.status == 201, made.body
    assert made.body["kind"] == "html"
    hit = found(studio, path, "What does a cleaning cost?")[0]
    assert (hit["title"], hit["item_id"]) == ("Site › Cleaning", made.body["id"])
    assert "89 dollars" in hit["text"]
    text = studio.get(f"{path}/{made.body['id']}").body["text"]
    assert text.startswith("## Cleaning")
    assert "scripted" not in text
    assert found(studio, path, "secretScript scripted navigation") == []


@pytest.mark.parametrize(
    ("pages", "named"),
    [
        ((LEAFLET, LEAFLET), None),
        ((LEAFLET, ""), "Page 2 of 2 holds no text."),
        (("", LEAFLET * 3, "", LEAFLET), "Pages 1, 3 of 4 hold no text."),
        ((LEAFLET * 9, *[""] * 12), "Pages 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 2 more of 13 hold no text."),
    ],
)
def test_the_pages_of_a_pdf_that_hold_no_text_are_named(studio: Studio, path: str, pages, named):
    pdf = files.pdf(*pages, title="Leaflet")
    made = studio.ask("POST", f"{path}/files", pdf, Content_Type="application/pdf")
    assert made.status == 201, made.body
    if named is None:
        assert made.body["warning"] is None
    else:
        assert made.body["warning"].startswith(named)
        assert "OCR" in made.body["warning"]
    file = f"{path}/{made.body['id']}/file"
    put = studio.ask("PUT", file, pdf, etag=made.etag, Content_Type="application/pdf")
    assert put.body["warning"] == made.body["warning"]


def test_a_pdf_is_read_found_by_its_page_and_replaced_whole(studio: Studio, path: str):
    pdf = files.pdf("A cleaning costs 89 dollars.", "Parking is behind the house.", title="Leaflet")
    made = studio.ask("POST", f"{path}/files", pdf, Content_Type="application/pdf")
    assert made.status == 201, made.body
    assert (made.body["kind"], made.body["title"], made.body["passages"]) == ("pdf", "Leaflet", 2)
    assert found(studio, path, "Where can I park my car, is there parking?")[0]["title"] == "Leaflet › 2"
    one = f"{path}/{made.body['id']}"
    assert studio.get(one).body["text"].split("\f")[1].strip() == "Parking is behind the house."
    refused = studio.ask("PUT", f"{one}/file", files.scan(), etag=made.etag, Content_Type="application/pdf")
    assert (refused.status, refused.code) == (422, "pdf_without_text")
    assert studio.get(one).etag == made.etag
    page = studio.ask("PUT", f"{one}/file?title=News", files.PAGE, etag=made.etag, Content_Type="text/html")
    assert (page.status, page.body["kind"], page.body["title"]) == (200, "html", "News")
    assert found(studio, path, "Where can I park my car, is there parking?") == []
    assert studio.ask("PUT", f"{one}/file", pdf, etag=made.etag, Content_Type="application/pdf").status == 412


@pytest.mark.parametrize(
    ("query", "content", "media_type", "status", "code"),
    [
        ("", b"plain text", "text/plain", 422, "invalid"),
        ("?title=Plain", b"plain text", "text/plain", 201, None),
        ("?title=Marks", b"# Prices\n\nA cleaning costs 89.", "text/markdown", 201, None),
        ("?title=Plain", b"\xff\xfe", "text/plain", 400, "not_text"),
        ("?title=Plain", b" ", "text/plain", 422, "invalid"),
        ("?title=Plain", b"{}", "application/json", 415, "unsupported_media_type"),
        ("?title=T", files.pdf("Some text here.", password="p"), "application/pdf", 422, "pdf_encrypted"),
        ("?title=T", b"x" * 1_000_001, "text/plain", 413, "item_too_large"),
        ("?title=T", b"x" * (10 * 1024 * 1024 + 1), "application/pdf", 413, "too_large"),
        ("?language=klingon!", b"x", "text/plain", 422, "invalid"),
    ],
)
def test_a_file_is_taken_or_refused_with_the_reason(
    studio: Studio, path: str, query, content, media_type, status, code
):
    answer = studio.ask("POST", f"{path}/files{query}", content, Content_Type=media_type)
    assert (answer.status, None if status < 400 else answer.code) == (status, code)
    assert len(studio.get(path).body["items"]) == (status == 201)


def test_a_deleted_item_leaves_none_of_its_text_behind(studio: Studio, path: str):
    kept = studio.ask("POST", path, qa("Is there a lift?", "Yes, a lift."))
    gone = studio.ask("POST", path, {"kind": "markdown", "title": "Prices", "text": PRICES})
    agent = path.split("/")[3]
    assert studio.ask("DELETE", f"{path}/{gone.body['id']}", etag=gone.etag).status == 204
    names = repository.chunk_ids(studio.workspace, agent)
    assert not [name for name in names if gone.body["id"] in name]
    now = state(studio, path)
    # One index is left, the one that serves, and it does not know the item.
    assert [name for name in names if "." not in name] == [f"{now.revision}_0"]
    packed = decode(repository.index_parts(studio.workspace, agent, now.revision, now.parts))
    assert {place[1] for place in packed.places} == {kept.body["id"]}
    assert found(studio, path, "Is there a lift?")[0]["item_id"] == kept.body["id"]
