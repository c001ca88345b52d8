"""What is known of a model's training: candidates and their figures, the choice, warnings, the data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import numpy as np

from morosidad._typing import Floats
from morosidad.languages import Language, say

_FIGURES = ("auc", "gini", "ks", "brier", "log_loss", "slope", "intercept", "ece")


class TrainingWarning(msgspec.Struct, frozen=True):
    """Something about training that whoever answers for a model should look at.

    Attributes
    ----------
    code : str
        What kind: ``contrary_effect``, ``missing_code``, ``leakage``, ``identifier``, ``date``,
        ``few_defaults``, ``protected``, ``inverted_class``.
    field : str
        The field that it is about; empty where it is about all.
    details : dict
        Numbers and values that the sentence names.
    """

    code: str
    field: str = ""
    details: dict[str, Any] = {}

    def told(self, language: Language) -> str:
        """Give the warning as a sentence.

        Parameters
        ----------
        language : {'es', 'en', 'pt'}
            Of the sentence.

        Returns
        -------
        str
        """
        shown = {
            name: ", ".join(map(str, value)) if isinstance(value, list) else value
            for name, value in self.details.items()
        }
        return say(language, f"figures.training_warning_{self.code}", field=self.field, **shown)


class OutOfFold(msgspec.Struct, frozen=True, eq=False):
    """Predictions of rows by models that were not fitted on them.

    Attributes
    ----------
    row : ndarray of float64, shape (n,)
        The place of each row in the training data.
    probability : ndarray of float64, shape (n,)
        Of default.
    truth : ndarray of float64, shape (n,)
        1 where the applicant defaulted.
    fold : ndarray of float64, shape (n,)
        The fold that the row was predicted in; -1 for the out-of-time test.
    """

    row: Floats
    probability: Floats
    truth: Floats
    fold: Floats

    @property
    def table(self) -> Floats:
        """The four, one under the other: shape (4, n)."""
        return np.stack([self.row, self.probability, self.truth, self.fold])


class Training(Mapping[str, Any]):
    """What is known of a model's training: a mapping of plain data, and what a report shows of it.

    Parameters
    ----------
    facts : mapping, optional
        Plain data, such as a model file holds.
    out_of_fold : OutOfFold, optional
        What the chosen model predicted of rows that it was not fitted on.
    language : {'es', 'en', 'pt'}, default='es'
        Of the report.

    Attributes
    ----------
    facts : dict
        The data.
    out_of_fold : OutOfFold or None
        The predictions.
    """

    def __init__(
        self,
        facts: Mapping[str, Any] | None = None,
        out_of_fold: OutOfFold | None = None,
        language: Language = "es",
    ) -> None:
        self.facts: dict[str, Any] = dict(facts or {})
        self.out_of_fold: OutOfFold | None = out_of_fold
        self.language: Language = language

    def __getitem__(self, name: str) -> Any:
        return self.facts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.facts)

    def __len__(self) -> int:
        return len(self.facts)

    def __eq__(self, other: object) -> bool:
        return self.facts == (other.facts if isinstance(other, Training) else other)

    __hash__ = None  # type: ignore[assignment]

    @property
    def candidates(self) -> list[dict[str, Any]]:
        """The figures of everything that was compared, on pooled out-of-fold predictions."""
        found = self.facts.get("candidates", [])
        return list(found) if isinstance(found, list) else []

    @property
    def warnings(self) -> list[TrainingWarning]:
        """What whoever answers for the model should look at."""
        found = self.facts.get("warnings", [])
        return msgspec.convert(found, list[TrainingWarning]) if isinstance(found, list) else []

    def in_language(self, language: Language) -> Training:
        """Give the same, reported in another language.

        Parameters
        ----------
        language : {'es', 'en', 'pt'}
            Of the report.

        Returns
        -------
        Training
        """
        return Training(self.facts, self.out_of_fold, language)

    def rows(self, language: Language | None = None) -> list[tuple[str, str]]:
        """Give the report but for the table of candidates: what is said of, and what is said.

        Parameters
        ----------
        language : {'es', 'en', 'pt'}, optional
            That of the report.

        Returns
        -------
        list of (str, str)
        """
        spoken = language or self.language
        rows = [(name, _shown(value)) for name, value in _flat(self.facts)]
        if self.candidates and "why" in self.facts:
            rows.append(
                (
                    say(spoken, "figures.training_why"),
                    say(spoken, f"figures.training_why_{self.facts['why']}"),
                )
            )
        return rows + [(say(spoken, "figures.training_warning"), one.told(spoken)) for one in self.warnings]

    def table(self, language: Language | None = None) -> list[list[str]]:
        """Give the table of candidates, its head first.

        Parameters
        ----------
        language : {'es', 'en', 'pt'}, optional
            That of the report.

        Returns
        -------
        list of list of str
            Empty where nothing was compared.
        """
        spoken = language or self.language
        if not self.candidates:
            return []
        names = ("candidate", "auc", "gini", "ks", "brier", "log_loss", "slope", "intercept", "ece", "notes")
        head = [say(spoken, f"figures.training_{name}") for name in names]
        return [head, *(self._line(one, spoken) for one in self.candidates)]

    def _line(self, one: dict[str, Any], language: Language) -> list[str]:
        area = f"{_shown(one['auc'])} [{_shown(one['auc_low'])}, {_shown(one['auc_high'])}]"
        notes = [say(language, f"figures.training_left_{one['left']}")] if one.get("left") else []
        notes += [say(language, "figures.training_chosen")] if self._is_chosen(one) else []
        return [one["name"], area, *(_shown(one[name]) for name in _FIGURES[1:]), ", ".join(notes)]

    def told_table(self, language: Language | None = None) -> str:
        """Give the table of candidates as text; empty where nothing was compared.

        Parameters
        ----------
        language : {'es', 'en', 'pt'}, optional
            That of the report.

        Returns
        -------
        str
        """
        table = self.table(language)
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = [
            "  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip()
            for line in table
        ]
        return "\n".join(lines)

    def told(self, language: Language | None = None) -> str:
        """Give the whole report as text.

        Parameters
        ----------
        language : {'es', 'en', 'pt'}, optional
            That of the report.

        Returns
        -------
        str
        """
        pairs = self.rows(language)
        width = max((len(name) for name, _ in pairs), default=0)
        table = self.told_table(language)
        lines = [table] if table else []
        return "\n".join([*lines, *(f"{name:<{width}}  {text}" for name, text in pairs)])

    def __str__(self) -> str:
        return self.told()

    def __repr__(self) -> str:
        return f"Training({self.facts!r})"

    def _repr_html_(self) -> str:
        from html import escape  # only notebooks show it

        style = 'style="text-align:left"'
        table = self.table()
        chosen = 1 + next((i for i, one in enumerate(self.candidates) if self._is_chosen(one)), -1)
        cells = [
            "".join(f"<{tag} {_CELL}>{escape(cell)}</{tag}>" for cell in line)
            for place, line in enumerate(table)
            for tag in ("td" if place not in (0, chosen) else "th",)
        ]
        pairs = [
            f"<tr><th {style}>{escape(name)}</th><td {style}>{escape(text)}</td></tr>"
            for name, text in self.rows()
            if not (table and name.startswith(_CHOSEN))  # they stand in the table
        ]
        compared = "".join(f"<tr>{line}</tr>" for line in cells)
        return f'<div style="overflow-x:auto"><table>{compared}</table></div><table>{"".join(pairs)}</table>'

    def _is_chosen(self, one: Mapping[str, Any]) -> bool:
        return bool(one["name"] == self.facts.get("model"))


_CELL = 'style="text-align:left;white-space:nowrap"'
_CHOSEN = "cross_validation "


def _flat(facts: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Give facts one by one, but for those that the table, the choice and the warnings show."""
    rows: list[tuple[str, Any]] = []
    for name, value in facts.items():
        if name in ("candidates", "warnings", "why"):
            continue
        inner = value.items() if isinstance(value, Mapping) else [("", value)]
        rows += [(f"{name} {part}".strip(), number) for part, number in inner]
    return rows


def _shown(value: Any) -> str:
    if value is None or value != value:
        return "–"
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def plain_label(label: Any) -> Any:
    """Give a label as a plain Python object.

    Parameters
    ----------
    label : object
        A label, perhaps a numpy scalar.

    Returns
    -------
    object
    """
    return label.item() if isinstance(label, np.generic) else label
