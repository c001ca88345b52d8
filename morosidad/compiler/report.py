"""The parity report: how a compiled form compared with the original."""

from __future__ import annotations

import msgspec


class ParityReport(msgspec.Struct, frozen=True):
    """How a compiled form compared with the original.

    Attributes
    ----------
    rows : int
        Rows on which both were asked.
    max_difference : float
        The largest absolute difference between the two probabilities of default.
    labels_differing : int
        Rows on which the two labels differ, or on which side of a cut-off the probability is.
    refused : int
        Rows that the original refuses and the compiled form answers.
    tolerance : float
        The largest difference allowed.
    threshold : float
        Probability above which the label is 1.
    """

    rows: int
    max_difference: float
    labels_differing: int
    refused: int
    tolerance: float
    threshold: float = 0.5

    @property
    def passed(self) -> bool:
        """Whether the compiled form may be used."""
        return self.max_difference <= self.tolerance and not self.labels_differing and not self.refused

    def __str__(self) -> str:
        words = f"{self.rows} rows, |Δp| ≤ {self.max_difference:.1e} (allowed {self.tolerance:.0e})"
        return f"{words}, {self.labels_differing} labels differ, {self.refused} refused by the original"
