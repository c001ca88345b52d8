"""The model shipped in the package: its path, its training data and its training.

It is trained on synthetic applicants, says so in its name, and decides on nobody real.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from morosidad.schema.ahorro_valle import AHORRO_VALLE

NAME = "ahorro-valle-sintetico"
VERSION = "1"
ROWS, SEED = 20_000, 2025
PATH = Path(__file__).parent.parent / "data" / "ahorro-valle-sintetico.morosidad"


def training_data() -> tuple[Any, Any]:
    """Make the synthetic applicants and their answers.

    Returns
    -------
    X : DataFrame of shape (20000, 20)
        The fields of `AHORRO_VALLE`, with the dtypes of `make_applicants`.
    y : ndarray of int64, shape (20000,)
        1 means default.
    """
    from morosidad.training.datasets import make_applicants

    frame = make_applicants(ROWS, seed=SEED)
    return frame[list(AHORRO_VALLE.names)], frame[AHORRO_VALLE.target].to_numpy()


def train_pipeline() -> Any:
    """Fit the pipeline that the shipped model was compiled from.

    Returns
    -------
    Pipeline
        Of scikit-learn.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    from morosidad.preprocessor import Preprocessor

    # the file that is shipped answers as it always did: what is missing is imputed
    pipeline = make_pipeline(Preprocessor(AHORRO_VALLE, missing="impute"), LogisticRegression(max_iter=1000))
    return pipeline.fit(*training_data())
