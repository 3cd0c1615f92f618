"""What the wizard has to offer, and that a browser keeps it until it changes."""

from tests.functions.agents.studio import Studio


def test_industries_are_listed_and_kept_by_their_etag(studio: Studio):
    listed = studio.get("/api/industries")
    assert len(listed.body["items"]) == 18
    dental = studio.get("/api/industries/dental")
    assert dental.body["suggested_model"] == "offline/offline-extractive"
    assert dental.body in listed.body["items"]
    assert "max-age" in dental.headers["Cache-Control"]
    assert studio.get("/api/industries/dental", If_None_Match=dental.etag).status == 304
    assert studio.get("/api/industries/alchemy").status == 404


def test_the_configuration_shows_what_works_here_and_what_it_costs(studio: Studio):
    config = studio.get("/api/config").body
    models = {f"{model['provider']}/{model['id']}": model for model in config["models"]}
    assert config["default_model"] == "offline/offline-extractive"
    offline = models["offline/offline-extractive"]
    assert offline["available"]
    assert (offline["prices"]["input"], offline["prices"]["output"], offline["prices"]["currency"]) == (
        "5",
        "20",
        "USD",
    )
    gemini = models["vertexai/gemini-3.5-flash-lite"]
    assert not gemini["available"]
    assert gemini["prices"]["input"] == "0.3"
    assert {tone["id"] for tone in config["tones"]} >= {"calm", "formal"}
    assert config["defaults"]["model"]["id"] == "offline-extractive"
    assert config["limits"]["knowledge_item_bytes"] == 1_000_000
    assert gemini["retires_not_before"] == "2027-07-21"
    assert offline["retires_not_before"] is None
    assert {"context_tokens", "abilities", "regions", "max_output_tokens"} <= gemini.keys()
    gone = {model["id"]: model["replaced_by"] for model in config["retired_models"]}
    assert gone["gemini-2.5-flash"] == "gemini-3.8-flash"


def test_the_schema_describes_the_file(studio: Studio):
    schema = studio.get("/api/config/schema").body
    assert schema["additionalProperties"] is False
    assert set(schema["required"]) == {"name", "model"}
