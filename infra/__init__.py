"""Reads the repository and writes what the cloud needs; imports nothing of the product at run time."""
