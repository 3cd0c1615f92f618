"""The mail server of the local cloud: it takes every mail and delivers none."""
