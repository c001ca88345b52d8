"""What a step inside a pipeline is given: the original's own steps before it, asked about records."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from morosidad.compiler.proof.probe_rows import probe_rows, valid_rows
from morosidad.frames.layout import FrameBuilder
from morosidad.schema.field import Row
from morosidad.schema.schema import Schema

MAX_SAMPLE = 211
"""So many rows a sample has: a number of rows that no one has columns of."""
MAX_PROBES = 150


class Inputs:
    """The data that reaches one step of a pipeline.

    Parameters
    ----------
    schema : Schema
        What a record is.
    frames : FrameBuilder
        Makes the frames that the pipeline is given.
    reference : sequence of tuple
        Real rows; without any, rows are drawn from the schema's limits.
    steps : sequence of callable
        What is done to a frame before it reaches the step.
    """

    def __init__(
        self,
        schema: Schema,
        frames: FrameBuilder,
        reference: Sequence[Row],
        steps: Sequence[Callable[[Any], Any]] = (),
    ) -> None:
        self.schema = schema
        self._frames = frames
        self._reference = reference
        self._steps = tuple(steps)

    def then(self, step: Callable[[Any], Any]) -> Inputs:
        """Give the data that reaches the step after another.

        Parameters
        ----------
        step : callable
            What is done to the data in between.

        Returns
        -------
        Inputs
        """
        return Inputs(self.schema, self._frames, self._reference, (*self._steps, step))

    def of(self, rows: Sequence[Row]) -> Any:
        """Give what reaches the step for some records.

        Parameters
        ----------
        rows : sequence of tuple
            Validated values.

        Returns
        -------
        DataFrame, Series or ndarray
        """
        data = self._frames.frame(rows)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for step in self._steps:
                data = step(data)
        return data

    @cached_property
    def rows(self) -> list[Row]:
        """The records of the sample."""
        known = valid_rows(self.schema, self._reference) or probe_rows(self.schema, ())
        some = known[:: 1 + len(known) // MAX_SAMPLE]
        return (some * (1 + MAX_SAMPLE // len(some)))[:MAX_SAMPLE] if some else []

    @cached_property
    def sample(self) -> Any:
        """What reaches the step for the sample."""
        return self.of(self.rows)

    @cached_property
    def probes(self) -> list[Row]:
        """Records that are odd on purpose: each field missing, unknown, or beyond its limits."""
        made = probe_rows(self.schema, self.rows[:3])[len(self.rows[:3]) :]
        return made[:: 1 + len(made) // MAX_PROBES]
