"""What every compiled model can do, whatever it is inside."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar

import msgspec
import numpy as np

from morosidad.compiler.expressions import Floats

if TYPE_CHECKING:
    from morosidad.compiler.batch import Batch
    from morosidad.compiler.code import Code


class Form(msgspec.Struct, frozen=True, eq=False):
    """A compiled classifier: columns in, probability of default out, contributions on request.

    Subclasses hold plain data, so that a model file can hold them; the `code` that they write is
    made anew when a file is loaded.
    """

    scale: ClassVar[str] = "log-odds"
    """What the contributions are measured on: ``log-odds`` or ``probability``."""

    @property
    def tolerance(self) -> float:
        """The largest difference from the original that the parity gate allows."""
        return 1e-12

    def delicate(self) -> Iterable[tuple[int, Sequence[float]]]:
        """Name numbers that the parity gate should try: (field, values near which the answer jumps)."""
        return ()

    def emit(self, code: Code) -> str:
        """Write the probability of default for one record."""
        raise NotImplementedError

    def emit_reasons(self, code: Code, reference: Floats) -> tuple[str, Sequence[str]]:
        """Write the probability and each field's contribution against the reference."""
        raise NotImplementedError

    def batch(self, batch: Batch) -> Floats:
        """Compute the probability of default for many rows."""
        raise NotImplementedError

    def reference(self, batch: Batch) -> Floats:
        """Boil reference rows down to what the reasons are measured against."""
        raise NotImplementedError


def emit_sigmoid(code: Code, z: str) -> str:
    """Write ``1 / (1 + exp(-z))`` without overflow, for z in a variable."""
    exp = code.constant(math.exp)
    return code.assign(f"1.0 / (1.0 + {exp}(-{z})) if {z} > -700.0 else {exp}({z})")


def sigmoid(z: Floats) -> Floats:
    """Compute ``1 / (1 + exp(-z))`` without overflow."""
    with np.errstate(over="ignore"):
        return np.where(z > -700.0, 1.0 / (1.0 + np.exp(-z)), np.exp(np.minimum(z, 0.0)))
