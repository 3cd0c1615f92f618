"""Stand-ins for services that this repository does not run locally."""
