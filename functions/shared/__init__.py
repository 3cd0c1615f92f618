"""Decisions that every function shares; imports no function folder."""
