"""Tests of the local mail server."""
