"""The compiler of fitted scikit-learn pipelines to functions of one record.

The names here load on first use: a compiled model file is loaded and asked without the readers of
estimators and without the parity gate.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from morosidad.compiler.checks import check_compiled as check_compiled
    from morosidad.compiler.compilation import CompiledTransformer as CompiledTransformer
    from morosidad.compiler.compilation import check_classifier as check_classifier
    from morosidad.compiler.compilation import compile_pipeline as compile_pipeline
    from morosidad.compiler.compilation import compile_transformer as compile_transformer
    from morosidad.compiler.forms.form import Form as Form
    from morosidad.compiler.nodes.base import Expr as Expr
    from morosidad.compiler.pipeline import CompiledPipeline as CompiledPipeline
    from morosidad.compiler.points import CompiledPoints as CompiledPoints
    from morosidad.compiler.points import compile_points as compile_points
    from morosidad.compiler.registry import Compiler as Compiler
    from morosidad.compiler.registry import NotCompilable as NotCompilable
    from morosidad.compiler.registry import compiles as compiles
    from morosidad.compiler.report import ParityReport as ParityReport

_HOME = {
    "CompiledPipeline": "pipeline",
    "CompiledPoints": "points",
    "CompiledTransformer": "compilation",
    "Compiler": "registry",
    "Expr": "nodes.base",
    "Form": "forms.form",
    "NotCompilable": "registry",
    "ParityReport": "report",
    "check_classifier": "compilation",
    "check_compiled": "checks",
    "compile_pipeline": "compilation",
    "compile_points": "points",
    "compile_transformer": "compilation",
    "compiles": "compilation",  # after the readers of this package, so that one's own come last
}

__all__ = [
    "CompiledPipeline",
    "CompiledPoints",
    "CompiledTransformer",
    "Compiler",
    "Expr",
    "Form",
    "NotCompilable",
    "ParityReport",
    "check_classifier",
    "check_compiled",
    "compile_pipeline",
    "compile_points",
    "compile_transformer",
    "compiles",
]


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value
