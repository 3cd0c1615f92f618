"""From a name to an answer: what the wizard makes is what the conversation runs on."""

import pytest

from functions.agents import chat_routes, connections, knowledge, publishing, wizard
from functions.agents.chat_routes import AgentTurn
from functions.agents.chunking import Source
from tests.cloud import Cloud

PRICES = "# Prices\n\n## Cleaning\n\nA cleaning costs 89 dollars.\n"


def test_a_new_agent_answers_from_its_knowledge_with_the_source(cloud: Cloud, monkeypatch: pytest.MonkeyPatch):
    cloud.enter(monkeypatch, with_model=True)
    connections.provider.cache_clear()
    workspace = cloud.workspace()
    agent = wizard.create(cloud.call(workspace), {"name": "Mia", "industry": "dental"})[0].id
    item, _ = knowledge.add(
        cloud.call(workspace), agent, lambda name: Source(name, "Price list", "markdown", text=PRICES)
    )
    publishing.publish(cloud.call(workspace), agent)

    def says(message: str, version: str) -> chat_routes.TurnAnswer:
        body = AgentTurn.model_validate({"message": message, "version": version})
        return chat_routes.chat_with_agent(cloud.call(workspace), agent, body).body

    for version in ("draft", "published"):
        answer = says("What does a cleaning cost?", version)
        assert "89 dollars" in answer.message.text
        assert [(source.number, source.item_id) for source in answer.sources] == [(1, item.id)]
    assert says("Who won the world cup?", "published").sources == []
