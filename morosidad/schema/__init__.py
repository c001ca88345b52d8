"""What a record is: fields, their limits, and how a mapping or JSON becomes typed values."""

from morosidad.schema.field import Field, Observed, Value
from morosidad.schema.schema import Record, Schema

__all__ = ["Field", "Observed", "Record", "Schema", "Value"]
