"""GoogleSQL to DuckDB: read, check against the supported subset, resolve names, prune, rewrite."""
