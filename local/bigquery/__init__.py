"""A BigQuery for one machine: the REST calls that the functions make, over DuckDB.

Tables and table functions come from the catalogue. GoogleSQL is read by sqlglot, checked against a list of what is
supported, and written anew for DuckDB; whatever is not on the list is refused by name, so that a query which works
here means the same in the cloud.
"""
