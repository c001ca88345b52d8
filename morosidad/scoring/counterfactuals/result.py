"""What a counterfactual is: a few changes, their cost, and the decision that they lead to."""

from __future__ import annotations

import msgspec

from morosidad.policy.decision import Decision
from morosidad.schema.field import Value


class Change(msgspec.Struct, frozen=True):
    """Another value of one field.

    Attributes
    ----------
    field : str
        Its name.
    before, after : int, float, str, bool or None
        The applicant's value, and the other.
    """

    field: str = msgspec.field(name="campo")
    before: Value = msgspec.field(name="antes")
    after: Value = msgspec.field(name="despues")


class Counterfactual(msgspec.Struct, frozen=True):
    """Changes that turn a decision.

    Attributes
    ----------
    changes : tuple of Change
        In the order of the schema.
    cost : float
        The sum over the changes of how many spreads of its field each goes, times the field's cost.
    decision : Decision
        On the record with the changes, by the model and all of its policy.
    """

    changes: tuple[Change, ...] = msgspec.field(name="cambios")
    cost: float = msgspec.field(name="costo")
    decision: Decision = msgspec.field(name="resultado")
