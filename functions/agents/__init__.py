"""The wizard, an agent's versions and knowledge, and the conversation itself."""
