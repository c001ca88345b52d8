"""Tree models that several tests share: fitted behind a usual pipeline, or made by hand."""

from __future__ import annotations

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier

from morosidad.compiler import CompiledPipeline, Compiler
from morosidad.compiler.forms.walked import Boosting
from morosidad.compiler.nodes.expressions import Raw
from morosidad.compiler.readers.trees.tree_builder import Tree, build_trees
from morosidad.schema.field import Field
from morosidad.schema.schema import Schema

NUMBERS = ["edad", "ingresos", "deuda", "atrasos"]
TEXTS = ["empleo", "vivienda"]


def prepared(model, texts=None, scaler=None):
    """Put what people put in front of trees."""
    numbers = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), scaler or StandardScaler())
    return make_pipeline(
        ColumnTransformer(
            [
                ("numbers", numbers, NUMBERS),
                ("texts", texts or OneHotEncoder(handle_unknown="ignore", sparse_output=False), TEXTS),
                ("flag", "passthrough", ["garante"]),
            ]
        ),
        model,
    )


MODELS = {
    "tree": DecisionTreeClassifier(max_depth=5, random_state=0),
    "random tree": ExtraTreeClassifier(max_depth=5, random_state=0),
    "forest": RandomForestClassifier(9, random_state=0),
    "extra trees": ExtraTreesClassifier(9, random_state=0),
    "boosting": GradientBoostingClassifier(n_estimators=20, random_state=0),
    "exponential loss": GradientBoostingClassifier(loss="exponential", n_estimators=9, random_state=0),
    "from zero": GradientBoostingClassifier(init="zero", n_estimators=9, random_state=0),
    "hist": HistGradientBoostingClassifier(max_iter=20, min_samples_leaf=3, random_state=0),
    "stumps": HistGradientBoostingClassifier(max_iter=9, max_depth=1, random_state=0),
    "one leaf": HistGradientBoostingClassifier(max_iter=2, min_samples_leaf=100, random_state=0),
}


def compile_numbers(model, n_columns):
    """Compile a model of unnamed columns, without the gate."""
    schema = Schema([Field(f"x{i}", "number") for i in range(n_columns)])
    compiler = Compiler(schema)
    form = compiler.form(model, [Raw(i) for i in range(n_columns)])
    return CompiledPipeline(schema, form), bool(compiler.required)


def hand_made(trees, columns=None, n_fields=2, form=Boosting, **more):
    """Build trees by hand over fields of numbers."""
    compiler = Compiler(Schema([Field(f"x{i}", "number") for i in range(n_fields)]))
    columns = columns or [Raw(i) for i in range(n_fields)]
    return build_trees(form, trees, columns, compiler, **more)


def tree(left, right, column, threshold, value, missing_left=None):
    arrays = [np.array(a) for a in (left, right, column, threshold)]
    missing = np.zeros(len(left)) if missing_left is None else np.array(missing_left)
    return Tree(*arrays, missing, np.array(value, dtype=float))


STUMP = tree([1, -1, -1], [2, -1, -1], [0, 0, 0], [0.5, 0.0, 0.0], [0.0, -1.0, 2.0])
