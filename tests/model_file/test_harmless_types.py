from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import numpy as np
import pytest
import sklearn.tree
from hypothesis import given, settings
from hypothesis import strategies as st
from skops.io import dumps, get_untrusted_types, loads

from morosidad.model_file import harmless_types
from morosidad.model_file.harmless_types import harmless
from morosidad.model_file.native_structures import check_native

X = np.abs(np.random.default_rng(0).normal(size=(120, 4)))
Y = (X[:, 0] + X[:, 1] > 1.4).astype(int)


def test_every_listed_class_holds_no_code() -> None:
    for name in harmless_types._LISTED:
        module, _, short = name.rpartition(".")
        assert module.split(".")[0] in ("builtins", "numpy", "scipy", "sklearn")
        if module == "sklearn._loss.link":
            continue
        found = getattr(__import__(module, fromlist=[short]), short, None)
        assert found is None or isinstance(found, type), name


@pytest.mark.parametrize(
    "name",
    [
        "functools.partial",
        "operator.attrgetter",
        "operator.methodcaller",
        "builtins.getattr",
        "builtins.eval",
        "builtins.type",
        "os.system",
        "posix.system",
        "subprocess.Popen",
        "joblib.memory.Memory",
        "numpy.load",
        "numpy.fromfile",
        "numpy.memmap",
        "numpy.ctypeslib.load_library",
        "scipy.io.loadmat",
        "sklearn.datasets._base.load_files",
        "sklearn.datasets.fetch_openml",
        "sklearn.externals._arff.load",
        "sklearn.utils._testing.install_mldata_mock",
        "sklearn.utils.metaestimators._BaseComposition",
        "sklearn.feature_selection._univariate_selection.f_classif",
        "sklearn.metrics._scorer._Scorer",
        "sklearn.pipeline.partial",
        "sklearn.base.clone",
        "sklearn.base.sys",
        "sklearn.tree._tree",
        "sklearn.tree._tree.Tree.predict",
        "sklearn.tree.DecisionTreeClassifier",
        "morosidad.scoring.model.StoredModel",
        "this.d",
        "__main__.Own",
        "",
        ".",
        "sklearn.",
    ],
)
def test_functions_other_modules_and_other_paths_are_not_let_through(name: str) -> None:
    assert harmless([name]) == set()


@given(st.text("abcmopstyr._", max_size=30).map("sklearn.{}".format))
@settings(max_examples=200, deadline=None)
def test_no_module_is_imported_to_decide_on_a_name(name: str) -> None:
    import sys

    before = set(sys.modules)
    harmless([name, f"antigravity.{name}"])
    assert set(sys.modules) == before


def test_private_estimators_and_scalar_types_are_harmless() -> None:
    names = {
        "sklearn.tree._classes.DecisionTreeClassifier",
        "sklearn.calibration._SigmoidCalibration",
        "sklearn.gaussian_process._gpc._BinaryGaussianProcessClassifierLaplace",
        "numpy.number",
        "numpy.dtype",
        "sklearn.tree._tree.Tree",
    }
    assert harmless(names) == names


# -- files made by hand ------------------------------------------------------------------------


def altered(estimator: Any, change: Any) -> bytes:
    """Give an estimator as skops stores it, with its description changed."""
    data = io.BytesIO(dumps(estimator))
    with zipfile.ZipFile(data) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    described = json.loads(members["schema.json"])
    change(described)
    members["schema.json"] = json.dumps(described).encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, member in members.items():
            archive.writestr(name, member)
    return out.getvalue()


@pytest.mark.parametrize(
    "node",
    [
        {"__loader__": "FunctionNode", "__module__": "os", "__class__": "system"},
        {"__loader__": "TypeNode", "__module__": "subprocess", "__class__": "Popen"},
        {"__loader__": "FunctionNode", "__module__": "sklearn.datasets", "__class__": "load_files"},
        {"__loader__": "TypeNode", "__module__": "builtins", "__class__": "eval"},
        {
            "__loader__": "MethodNode",
            "__module__": "sklearn.tree",
            "__class__": "_tree",
            "content": {
                "func": "Tree",
                "obj": {"__loader__": "TypeNode", "__module__": "sklearn.tree", "__class__": "_tree"},
            },
        },
        {
            "__loader__": "OperatorFuncNode",
            "__module__": "operator",
            "__class__": "methodcaller",
            "attrs": {
                "__loader__": "TupleNode",
                "__module__": "builtins",
                "__class__": "tuple",
                "content": [],
            },
        },
    ],
    ids=lambda node: f"{node['__loader__']} {node['__class__']}",
)
def test_what_reaches_code_in_a_file_made_by_hand_has_to_be_named(node: dict[str, Any]) -> None:
    tree = sklearn.tree.DecisionTreeClassifier(max_depth=2).fit(X, Y)
    data = altered(tree, lambda described: described["content"]["content"].update(criterion=node))
    types = set(get_untrusted_types(data=data))
    assert types - harmless(types)


# -- structures --------------------------------------------------------------------------------


def fitted() -> dict[str, Any]:
    from sklearn.ensemble import (
        BaggingClassifier,
        GradientBoostingClassifier,
        HistGradientBoostingClassifier,
        RandomForestClassifier,
    )
    from sklearn.neighbors import KNeighborsClassifier

    coarse = np.floor(X * 3)
    return {
        "tree": sklearn.tree.DecisionTreeClassifier().fit(X, Y),
        "forest": RandomForestClassifier(3).fit(X, Y),
        "boosting": GradientBoostingClassifier(n_estimators=3).fit(X, Y),
        "histograms": HistGradientBoostingClassifier(
            max_iter=3, min_samples_leaf=2, categorical_features=[0, 1]
        ).fit(coarse, Y),
        "kd_tree": KNeighborsClassifier(algorithm="kd_tree").fit(X, Y),
        "ball_tree": KNeighborsClassifier(algorithm="ball_tree", metric="manhattan").fit(X, Y),
        "bagging": BaggingClassifier(n_estimators=2).fit(X, Y),
    }


@pytest.mark.parametrize("name", list(fitted()))
def test_sound_structures_pass_and_need_no_naming(name: str) -> None:
    data = dumps(fitted()[name])
    types = set(get_untrusted_types(data=data))
    named = {"functools.partial", "sklearn.utils.validation.check_array"} if name == "histograms" else set()
    assert types - harmless(types) == named, "its encoder of categories calls a function"
    check_native(loads(data, trusted=sorted(types)))


def nodes_changed(model: Any, column: str, value: int) -> Any:
    state = model.tree_.__getstate__()
    state["nodes"] = state["nodes"].copy()
    state["nodes"][column][0] = value
    model.tree_.__setstate__(state)
    return model


@pytest.mark.parametrize(
    ("column", "value"),
    [("left_child", 10**9), ("left_child", 0), ("right_child", -7), ("feature", 99), ("feature", -5)],
)
def test_a_tree_that_leads_outside_is_refused(column: str, value: int) -> None:
    with pytest.raises(ValueError, match="hang together"):
        check_native(nodes_changed(fitted()["tree"], column, value))
    forest = fitted()["forest"]
    nodes_changed(forest.estimators_[1], column, value)
    with pytest.raises(ValueError, match="hang together"):
        check_native({"hidden": np.array([[forest]], dtype=object)})


@pytest.mark.parametrize("name", ["tree", "forest", "boosting", "histograms"])
def test_trees_that_look_at_more_columns_than_their_owner_is_given_are_refused(name: str) -> None:
    model = fitted()[name]
    model.n_features_in_ = 1
    with pytest.raises(ValueError, match="hang together"):
        check_native(model)


@pytest.mark.parametrize(
    ("column", "value"), [("left", 10**6), ("right", 0), ("feature_idx", 77), ("bitset_idx", 10**6)]
)
def test_a_tree_of_histograms_that_leads_outside_is_refused(column: str, value: int) -> None:
    model = fitted()["histograms"]
    nodes = model._predictors[0][0].nodes
    place = np.flatnonzero((nodes["is_leaf"] == 0) & (nodes["is_categorical"] != 0))[0]
    nodes[column][place] = value
    with pytest.raises(ValueError, match="hang together"):
        check_native(model)


@pytest.mark.parametrize("name", ["kd_tree", "ball_tree"])
@pytest.mark.parametrize("part", [1, 2, 3, 5, 6])
def test_a_search_tree_that_leads_outside_is_refused(name: str, part: int) -> None:
    model = fitted()[name]
    state = list(model._tree.__getstate__())
    if part in (5, 6):
        state[part] = state[part] + 3
    else:
        state[part] = np.array(state[part])[:-1] if part != 1 else np.array(state[part]) + 1000
        state[part] = np.ascontiguousarray(np.array(state[part])[..., :-1, :]) if part == 3 else state[part]
    try:
        model._tree.__setstate__(tuple(state))
    except ValueError:
        return  # it looks itself
    with pytest.raises(ValueError, match="hang together"):
        check_native(model)
