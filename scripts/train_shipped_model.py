"""Train the shipped model on synthetic applicants and write its file: the same file each time.

With ``--check`` nothing is written; the file that is there must answer as the one made anew.
"""

import sys
import tempfile
from pathlib import Path

from sklearn.model_selection import StratifiedKFold, cross_val_predict

from morosidad import Scorer, make_applicants
from morosidad.schema.ahorro_valle import AHORRO_VALLE
from morosidad.training.fitting import plain
from morosidad.training.search.figures import measure
from morosidad.training.shipped import NAME, PATH, SEED, VERSION, train_pipeline, training_data

X, y = training_data()
pipeline = train_pipeline()
folds = StratifiedKFold(5, shuffle=True, random_state=0)
figures = measure(y == 1, cross_val_predict(pipeline, X, y, cv=folds, method="decision_function"))
scorer = Scorer(
    pipeline,
    schema=AHORRO_VALLE,
    reference=X,
    name=NAME,
    version=VERSION,
    training={
        "model": "logistic",
        "rows": len(y),
        "default_rate": float(y.mean()),
        "cross_validation": plain(figures),
        "data": "synthetic applicants (make_applicants)",
        "seed": SEED,
    },
)
if "--check" in sys.argv:
    with tempfile.TemporaryDirectory() as folder:
        scorer.save(Path(folder) / "new")
        same = (Path(folder) / "new").read_bytes() == PATH.read_bytes()
    applicants = make_applicants(2000, seed=1)[list(AHORRO_VALLE.names)]
    gap = abs(Scorer.default().predict_proba(applicants) - scorer.predict_proba(applicants)).max()
    print(f"byte for byte the same: {same}; largest difference in probability {gap:.1e}")
    sys.exit(int(gap > 1e-9))
PATH.parent.mkdir(exist_ok=True)
scorer.save(PATH)
print(f"{PATH.name}: {PATH.stat().st_size:,} bytes\n{scorer.plan}")
