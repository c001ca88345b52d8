"""The contributions of a record's fields to its score."""

from __future__ import annotations

import msgspec

from morosidad.schema.field import Value


class Contributions(msgspec.Struct, frozen=True):
    """The contribution of each field to one applicant's score, against the reference applicants.

    Attributes
    ----------
    probability : float
        The probability of default.
    scale : str
        What the contributions are measured on: ``log-odds`` or ``probability``, or another word for
        the score before an isotonic calibration.
    values : dict of str to int, float, str, bool or None
        The record's value of each field, in the order of the schema.
    contributions : dict of str to float
        Of each field, in the order of the schema; positive ones raise the risk.
    errors : dict of str to float, or None
        The standard error of each, where they are estimated by sampling.
    """

    probability: float
    scale: str
    values: dict[str, Value]
    contributions: dict[str, float]
    errors: dict[str, float] | None = None
