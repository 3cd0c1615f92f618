"""Measured claims, each a script of its own; CONTRIBUTING and the issue notes quote what these print.

`nox -s bench -- cold_start turn` runs those named, `nox -s bench` runs all. Every figure is a ratio against a baseline
that is measured in the same run, in turns with it, so that a busy machine slows both alike. `--check` behind the names
makes a missed aim an error; no test of `nox -s tests` looks at a clock.
"""
