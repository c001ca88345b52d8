"""The parity report: how a compiled form compared with the original."""

from __future__ import annotations

import msgspec

from morosidad.languages import Language, say


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
    own_rows : int
        The user's own rows that the original was asked about one at a time.
    batch_rows : int
        Own rows that it was asked about in one batch.
    own_refused : int
        Own rows that the original answers and the model's schema refuses.
    """

    rows: int
    max_difference: float
    labels_differing: int
    refused: int
    tolerance: float
    threshold: float = 0.5
    own_rows: int = 0
    batch_rows: int = 0
    own_refused: int = 0

    @property
    def passed(self) -> bool:
        """Whether the compiled form may be used."""
        refused = self.refused or self.own_refused
        return self.max_difference <= self.tolerance and not self.labels_differing and not refused

    def __str__(self) -> str:
        return self.told("en")

    def told(self, language: Language) -> str:
        """Give the report in words.

        Parameters
        ----------
        language : {'es', 'en', 'pt'}
            The language.

        Returns
        -------
        str
        """
        counts = {"own": self.own_rows, "batch": self.batch_rows}
        own = say(language, "reports.own_rows", **counts) if self.own_rows else ""
        return say(
            language,
            "reports.parity_of",
            own=own,
            rows=self.rows,
            difference=self.max_difference,
            tolerance=self.tolerance,
            labels=self.labels_differing,
            refused=self.refused,
        )
