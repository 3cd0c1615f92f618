"""The home page's figures, activity, workspace, members and API keys, and the relay."""
