"""What survives SIGKILL: real consumers and turns in processes that die while they work; `nox -s torture` runs them whole."""
