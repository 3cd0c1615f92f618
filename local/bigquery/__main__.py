"""Starts the local BigQuery: python -m local.bigquery --data DIR --catalogue infra/catalogue.yaml."""

import sys
from pathlib import Path

import duckdb

from local.bigquery.api import Api
from local.bigquery.catalogue import read
from local.bigquery.warehouse import Warehouse
from local.process import arguments, die_with_parent
from local.serving import listen, serve


def main() -> None:
    """Serve until SIGTERM."""
    parser = arguments("BigQuery's REST API over DuckDB")
    parser.add_argument("--catalogue", type=Path, default=Path("infra/catalogue.yaml"), help="what tables there are")
    parser.add_argument("--project", default="agenthub-local", help="the one project that exists")
    parser.add_argument("--dataset", default="agenthub_local", help="the one data set that exists")
    options = parser.parse_args()
    die_with_parent()
    listener = listen(options.host, options.port)
    try:
        warehouse = Warehouse(options.data, options.dataset, read(options.catalogue))
    except ValueError as error:
        sys.exit(f"{options.data}: {error}. Remove that folder to begin anew.")
    except duckdb.IOException as error:
        sys.exit(f"{options.data} cannot be opened; is another local BigQuery using it? {error}")
    serve(Api(warehouse, options.project, options.dataset).application(), [listener])
    warehouse.close()


if __name__ == "__main__":
    main()
