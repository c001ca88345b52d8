"""Models of MLflow: a scorer's file with its schema as signature, which MLflow loads, serves and keeps."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from morosidad._version import __version__
from morosidad.errors import ArtifactError, MissingExtra
from morosidad.scoring.scorer import Scorer

if TYPE_CHECKING:
    import pandas as pd

_FILE = "model.morosidad"
_LOADER = "morosidad.engines.mlflow"


def save_model(scorer: Scorer, path: str | os.PathLike[str], **options: Any) -> None:
    """Save a scorer as a model of MLflow.

    Parameters
    ----------
    scorer : Scorer
        Its model and policy are saved; its parts stay behind.
    path : path
        A folder that does not exist yet.
    **options : optional
        Handed to ``mlflow.pyfunc.save_model``, such as ``metadata`` or ``pip_requirements``.

    Raises
    ------
    ArtifactError
        If the model can't be stored in a file.
    MissingExtra
        If MLflow is not installed.
    """
    pyfunc = _pyfunc()
    with _stored(scorer) as data:
        pyfunc.save_model(str(path), **_options(scorer, data, options))


def log_model(scorer: Scorer, name: str = "model", **options: Any) -> Any:
    """Log a scorer as a model of MLflow under the active run, or a new one.

    Parameters
    ----------
    scorer : Scorer
        As in `save_model`.
    name : str, default='model'
        Of the model in the run.
    **options : optional
        Handed to ``mlflow.pyfunc.log_model``, such as ``registered_model_name``.

    Returns
    -------
    mlflow.models.model.ModelInfo

    Raises
    ------
    ArtifactError, MissingExtra
        As in `save_model`.
    """
    pyfunc = _pyfunc()
    with _stored(scorer) as data:
        return pyfunc.log_model(name=name, **_options(scorer, data, options))


def load_model(uri: str | os.PathLike[str], **options: Any) -> Scorer:
    """Load the scorer that `save_model` or `log_model` kept.

    Parameters
    ----------
    uri : str
        Of the model, as MLflow takes it: a folder, ``runs:/…``, ``models:/…``.
    **options : optional
        Handed to `Scorer.load`: parts, ``key=``, ``trusted=``.

    Returns
    -------
    Scorer

    Raises
    ------
    ArtifactError
        If it is a model of another kind, or `Scorer.load` refuses its file.
    MissingExtra
        If MLflow is not installed.
    """
    _pyfunc()
    from mlflow.artifacts import download_artifacts  # pyright: ignore[reportMissingImports]
    from mlflow.models import Model  # pyright: ignore[reportMissingImports]

    folder = Path(download_artifacts(str(uri)))
    flavor = Model.load(str(folder)).flavors.get("python_function", {})
    if flavor.get("loader_module") != _LOADER:
        raise ArtifactError("this model of MLflow holds no scorer", folder)
    return Scorer.load(folder / str(flavor["data"]), **options)


class _Answering:
    """What MLflow asks: a frame in, the decisions out."""

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer

    def predict(self, model_input: pd.DataFrame) -> pd.DataFrame:
        """Decide on the rows of a frame; a row that the schema refuses has empty results."""
        found: pd.DataFrame = self._scorer.score_frame(model_input, errors="coerce")
        return found.drop(columns="warnings", errors="ignore").astype({"outcome": object})


def _load_pyfunc(path: str) -> _Answering:
    """Load the model for MLflow, which looks for this name."""
    return _Answering(Scorer.load(path))


def _pyfunc() -> Any:
    try:
        return import_module("mlflow.pyfunc")
    except ImportError:
        raise MissingExtra("morosidad.engines.mlflow", "mlflow") from None


@contextmanager
def _stored(scorer: Scorer) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        scorer.save(Path(folder) / _FILE)
        yield Path(folder) / _FILE


def _options(scorer: Scorer, data: Path, given: dict[str, Any]) -> dict[str, Any]:
    own = {
        "loader_module": _LOADER,
        "data_path": str(data),
        "signature": _signature(scorer),
        "pip_requirements": [f"morosidad=={__version__}"],
    }
    return own | given


def _signature(scorer: Scorer) -> Any:
    """Describe the fields: numbers of any type, as whole ones with gaps come as fractions, and text."""
    from mlflow.models import ModelSignature  # pyright: ignore[reportMissingImports]
    from mlflow.types.schema import AnyType, ColSpec, Schema  # pyright: ignore[reportMissingImports]

    kinds = {"category": "string", "boolean": "boolean"}
    used = set(scorer._model.compiled.used)
    inputs = [
        ColSpec(kinds.get(field.kind, AnyType()), field.name, required=field.required)
        for field in scorer.schema.fields
        if field.name in used
    ]
    outputs = [("double", "probability"), ("long", "label"), ("double", "confidence"), ("string", "outcome")]
    return ModelSignature(Schema(inputs), Schema([ColSpec(kind, name) for kind, name in outputs]))
