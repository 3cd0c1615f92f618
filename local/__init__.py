"""The cloud on a laptop: servers that speak Google's wire protocols over embedded engines, state under `.agenthub/`.

Nothing here imports the product, and the product knows nothing of this: the same Google clients reach either by
address.
Every engine is a module with `python -m local.<engine> --data DIR --port N`; see `local.process` for the convention.
"""
