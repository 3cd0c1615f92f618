"""The fleet: which agents run, their tags and their health."""
