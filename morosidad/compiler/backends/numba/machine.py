"""The numba toolbox: functions compiled to machine code, and called through ctypes.

This package is imported when a model is made ready, and only where numba is installed. Each function
is compiled, or read from where an earlier process left its machine code on disk, when it is first
asked for. It is called through ctypes with a record's numbers as bytes: that costs a tenth of a
microsecond, and leaves nothing that two threads could share. For one record the interpreter's lock
is held, since handing it over would cost more than the evaluation; for many it is released.

Places are made unsigned before they are looked up: numba then leaves out the test for negative ones.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from struct import Struct, error
from typing import Any, TypeVar

import numba
import numpy as np
from numpy.typing import NDArray

from morosidad.compiler.backends.python_source import FunctionSource
from morosidad.compiler.nodes.base import Expr
from morosidad.compiler.nodes.expressions import Raw

F = TypeVar("F", bound=Callable[..., Any])

_numba: Any = numba
carray: Any = _numba.carray
cfunc: Any = _numba.cfunc
njit: Any = _numba.njit
types: Any = _numba.types
unsigned = np.uint64

ANY_LENGTH = 2**31 - 1


class Pointer(ctypes.c_void_p):
    """The address of an array, which is kept as long as the pointer is."""

    def __init__(self, values: NDArray[Any]) -> None:
        self.values: NDArray[Any] = np.ascontiguousarray(values)
        super().__init__(self.values.ctypes.data)


def emit_row(code: FunctionSource, columns: Sequence[Expr]) -> str:
    """Write a record's numbers as bytes: fast where all are given, else number by number."""
    pack = code.constant(Struct(f"={len(columns)}d").pack)
    complete = [code.field(c.field) if isinstance(c, Raw) else code.value(c) for c in columns]
    numbers = [c.emit(code) if isinstance(c, Raw) else code.value(c) for c in columns]
    careful = f"{pack}({', '.join(numbers)})"
    if numbers == complete:
        return code.assign(careful)
    return code.attempt(f"{pack}({', '.join(complete)})", error, careful)


def machine_code(function: Callable[..., Any], signature: Any) -> int:
    """Give the address of a function's machine code, and keep that on disk where there is a place."""
    try:
        found = cfunc(signature, cache=True)(function)
    except RuntimeError:
        found = cfunc(signature)(function)
    _KEPT.append(found)
    address: int = found.address
    return address


_KEPT: list[Any] = []  # machine code lives as long as its function object


def inlined(function: F) -> F:
    """Have a function's code written into those that call it."""
    compiled: F = njit(inline="always")(function)
    return compiled


@inlined
def add(total: float, leaf: float, narrow: int) -> float:  # pragma: no cover
    """Add a leaf's value as the original does."""
    return float(np.float32(total + leaf)) if narrow else total + leaf
