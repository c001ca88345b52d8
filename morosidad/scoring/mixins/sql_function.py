"""A scorer as a function of SQL in DuckDB: Arrow arrays in, structs out."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from morosidad.errors import InvalidFrame, MissingExtra, SettingsError
from morosidad.schema.field import Field
from morosidad.scoring.frame_path import decide_frame
from morosidad.scoring.frames.arrow_results import arrow, result_schema, result_table
from morosidad.scoring.record_path import RecordPath

if TYPE_CHECKING:
    import pyarrow as pa

_WHOLE = 2.0**53
"""From here on SQL's DOUBLE can't tell integers apart."""

_TYPES = {"category": "VARCHAR", "boolean": "BOOLEAN"}


def register(path: RecordPath, connection: Any, name: str, *, reasons: bool) -> tuple[str, ...]:
    """Make a function of SQL; see `Scorer.register`.

    Parameters
    ----------
    path : RecordPath
        What decides: the model that is active when the function is called.
    connection, name, reasons
        As in `Scorer.register`.

    Returns
    -------
    tuple of str
    """
    try:
        import duckdb  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise MissingExtra("Scorer.register", "duckdb") from None
    if not isinstance(connection, duckdb.DuckDBPyConnection):
        raise SettingsError(["connection: a connection of DuckDB was expected"])
    if not name.isidentifier():
        raise SettingsError(["name: an identifier was expected"])
    model = path.model
    fields = [field for field in model.schema.fields if field.name in model.compiled.used]
    answer = result_schema(model, reasons=reasons)
    connection.create_function(
        name,
        _function(path, fields, answer, reasons),
        [_TYPES.get(field.kind, "DOUBLE") for field in fields],
        _sql_type(arrow().struct(list(answer))),
        type="arrow",
        null_handling="special",
    )
    return tuple(field.name for field in fields)


def _function(
    path: RecordPath, fields: list[Field], answer: pa.Schema, reasons: bool
) -> Callable[..., pa.Array]:
    names = [field.name for field in fields]
    whole = [field.name for field in fields if field.kind == "integer"]

    def decide(*columns: Any) -> Any:
        pa = arrow()
        table = pa.table(dict(zip(names, columns, strict=True)))
        for column in whole:
            _refuse_large(table, column)
        found = result_table(decide_frame(path, table, reasons=reasons, threads=False))
        if found.schema != answer:
            raise InvalidFrame("the model was reloaded with another policy; register the scorer again")
        return pa.StructArray.from_arrays(
            [column.combine_chunks() for column in found.columns], fields=list(answer)
        )

    kind = inspect.Parameter.POSITIONAL_ONLY
    signature = inspect.Signature([inspect.Parameter(f"a{i}", kind) for i in range(len(fields))])
    decide.__signature__ = signature  # type: ignore[attr-defined] # DuckDB counts the parameters
    return decide


def _refuse_large(table: pa.Table, name: str) -> None:
    numbers = table[name].to_numpy()
    if (np.abs(numbers) >= _WHOLE).any():
        raise InvalidFrame(f"{name}: integers from 2^53 on can't be told apart as SQL's DOUBLE", [name])


def _sql_type(kind: Any) -> str:
    """Give the type of SQL that an Arrow type is."""
    pa = arrow()
    if pa.types.is_struct(kind):
        return "STRUCT(" + ", ".join(f'"{part.name}" {_sql_type(part.type)}' for part in kind) + ")"
    if pa.types.is_list(kind):
        return f"{_sql_type(kind.value_type)}[]"
    known = {"string": "VARCHAR", "double": "DOUBLE", "int8": "TINYINT", "int64": "BIGINT"}
    return known[str(kind)]
