"""A checked expression: nodes with a type, and the names that stand in it."""

from __future__ import annotations

from typing import NamedTuple

from morosidad.policy.decision import OUTCOMES
from morosidad.policy.rules.parsing import NodeType
from morosidad.policy.rules.rule import RuleStage
from morosidad.schema.field import Field
from morosidad.schema.schema import Schema


class Variable(NamedTuple):
    """A name that an expression may hold.

    Attributes
    ----------
    name : str
        As it is spelled.
    type : {'number', 'text', 'truth'}
        What its values are.
    source : str
        Its name in compiled code; empty where two things have this name.
    place : int
        The field's place in the schema; -1 for what is no field.
    field : Field or None
        The field, where it is one.
    levels : tuple of (str or int)
        Everything that it may be, where that is declared.
    """

    name: str
    type: NodeType
    source: str
    place: int = -1
    field: Field | None = None
    levels: tuple[str | int, ...] = ()


class Node(NamedTuple):
    """A part of a checked expression.

    Attributes
    ----------
    operation : str
        What it does: an operator, the name of a function, ``name`` or ``constant``.
    type : {'number', 'text', 'truth'}
        What its values are.
    of : tuple of Node
        What it is made of.
    value : Variable, or str, float, bool, or tuple of those
        Of a name, of a constant, and the members of a list.
    """

    operation: str
    type: NodeType
    of: tuple[Node, ...] = ()
    value: Variable | str | float | bool | tuple[str | float, ...] = ()


def variables_of(schema: Schema, stage: RuleStage, *, points: bool = False) -> dict[str, Variable]:
    """Give the names that a rule may hold.

    Parameters
    ----------
    schema : Schema
        What a record is.
    stage : {'before', 'after'}
        Whether there is a score yet.
    points : bool, default=False
        Whether the policy gives points.

    Returns
    -------
    dict of str to Variable
        By name. What a field and the score have in common has no source: it can't be asked for.
    """
    names: dict[str, Variable] = {}
    if stage == "after":
        names["probability"] = Variable("probability", "number", "probability")
        names["outcome"] = Variable("outcome", "text", "outcome", levels=OUTCOMES)
        if points:
            names["points"] = Variable("points", "number", "points")
    for place, field in enumerate(schema.fields):
        source = "" if field.name in names else f"v{place}"
        levels = field.categories or ()
        names[field.name] = Variable(field.name, type_of(field), source, place, field, levels)
    return names


def type_of(field: Field) -> NodeType:
    """Give what the values of a field are in an expression.

    Parameters
    ----------
    field : Field
        Of a schema; categories that are integers are numbers.

    Returns
    -------
    {'number', 'text', 'truth'}
    """
    if field.kind == "boolean":
        return "truth"
    return "text" if field.kind == "category" and not field.holds_integers else "number"
