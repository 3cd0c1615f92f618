"""Starts and keeps alive everything that `nox -s serve` runs: engines, functions behind the IAM front, gateway."""
