"""An OpenAI-compatible model server that needs no network: it quotes the knowledge it is shown."""
