"""Finds what the names in a query mean: tables, table functions, parameters; and gives nameless columns their names."""

from dataclasses import dataclass

from sqlglot import exp

from local.bigquery.catalogue import Catalogue, Routine, Table
from local.bigquery.errors import invalid_query, not_found
from local.bigquery.sql import grammar
from local.bigquery.values import Parameter


@dataclass(frozen=True)
class Names:
    """What a query may refer to; `default` is the data set of unqualified names, if the request gave one."""

    catalogue: Catalogue
    project: str
    dataset: str
    default: str | None
    parameters: dict[str, Parameter]


def resolve(tree: exp.Expr, names: Names) -> exp.Expr:
    """`tree` with table functions replaced by their bodies, tables fully qualified, parameters typed."""
    holder = exp.Paren(this=tree)
    for table in list(holder.find_all(exp.Table)):
        if isinstance(table.this, exp.Anonymous):
            table.replace(_call(table, names))
    common = {cte.alias for cte in holder.find_all(exp.CTE)}
    for table in list(holder.find_all(exp.Table)):
        if table.args.get("db") is None and table.name in common:
            continue
        dataset, name = _path(table, names)
        if name not in names.catalogue.tables:
            raise not_found(f"Table {names.project}:{dataset}.{name}")
        alias = table.args.get("alias") or exp.TableAlias(this=exp.to_identifier(name))
        named = exp.table_(
            exp.to_identifier(name), db=exp.to_identifier(dataset), catalog=exp.to_identifier(names.project)
        )
        named.set("alias", alias)
        table.replace(named)
    _type_parameters(holder, names)
    whole = holder.this
    _name_columns(whole)
    return whole  # type: ignore[no-any-return]


def _path(table: exp.Table, names: Names) -> tuple[str, str]:
    """Data set and name of a table or table function; raises where the project or data set is not ours."""
    called = table.this
    last = called.this if isinstance(called, exp.Anonymous) else called
    last = last.name if isinstance(last, exp.Identifier) else str(last)
    parts = [part for part in (table.catalog, table.db) if part] + last.split(".")
    parts = [piece for part in parts for piece in part.split(".")]
    name = parts.pop()
    dataset = parts.pop() if parts else names.default
    project = parts.pop() if parts else names.project
    if dataset is None:
        raise invalid_query(f'Table "{name}" must be qualified with a dataset (e.g. dataset.table)')
    if project != names.project:
        raise not_found(f"Project {project}")
    if dataset != names.dataset:
        raise not_found(f"Dataset {project}:{dataset} was not found in location US")
    return dataset, name


def _call(table: exp.Table, names: Names) -> exp.Subquery:
    """The body of a table function with the arguments in place."""
    dataset, name = _path(table, names)
    routine = names.catalogue.routines.get(name)
    if routine is None:
        raise invalid_query(f"Table-valued function not found: {dataset}.{name}")
    given = table.this.expressions
    if len(given) != len(routine.arguments):
        wanted = ", ".join(f"{argument} {kind}" for argument, kind in routine.arguments)
        raise invalid_query(f"No matching signature for table-valued function {name}: it takes ({wanted})")
    for argument in given:
        if argument.find(exp.Column, exp.Query):
            raise invalid_query(f"An argument of table-valued function {name} is not constant")
    body = _body(routine, names)
    values = {argument: (value, kind) for (argument, kind), value in zip(routine.arguments, given, strict=True)}
    for column in list(body.find_all(exp.Column)):
        if column.name in values and not column.table:
            value, kind = values[column.name]
            column.replace(exp.Cast(this=value.copy(), to=grammar.data_type(kind)))
    alias = table.args.get("alias") or exp.TableAlias(this=exp.to_identifier(name))
    return exp.Subquery(this=body, alias=alias.copy())


def _body(routine: Routine, names: Names) -> exp.Expr:
    return grammar.read(routine.sql.replace("{dataset}", f"{names.project}.{names.dataset}"))


def _type_parameters(tree: exp.Expr, names: Names) -> None:
    for node in list(tree.find_all(exp.Parameter)):
        name = node.name.lower()
        parameter = names.parameters.get(name)
        if parameter is None:
            raise invalid_query(f"Query parameter '{node.name}' not found")
        plain = exp.Parameter(this=exp.Var(this=name))
        node.replace(exp.Cast(this=plain, to=grammar.data_type(parameter.kind, parameter.array)))


def _name_columns(tree: exp.Expr) -> None:
    """Columns without a name are f0_, f1_, … as BigQuery has it."""
    select = tree
    while isinstance(select, exp.SetOperation | exp.Subquery):
        select = select.this
    nameless = 0
    for column in list(select.expressions):
        if column.is_star:
            continue
        if not column.alias_or_name or not isinstance(column, exp.Alias | exp.Column):
            column.replace(exp.alias_(column.copy(), f"f{nameless}_", quoted=True))
            nameless += 1


def table_of(node: exp.Table, names: Names) -> Table | None:
    """The catalogue's table that a resolved node stands for; None for the name of a WITH clause."""
    return names.catalogue.tables.get(node.name) if node.catalog else None
