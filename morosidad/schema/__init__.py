"""Schemas: the fields of a record, their limits, and validation."""

from morosidad.schema.field import Field, Observed, Value
from morosidad.schema.schema import Record, Schema

__all__ = ["Field", "Observed", "Record", "Schema", "Value"]
