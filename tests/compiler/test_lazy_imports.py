"""A compiled model file is loaded and asked without what made it."""

from __future__ import annotations

import subprocess
import sys

ASK = """
import sys
from morosidad import Policy, Scorer
from morosidad.training.shipped import PATH

scorer = Scorer.load(PATH, policy=Policy(max_reasons=4))
decision = scorer.score_one(
    {"edad": 40, "ingresos_mensuales": 2e6, "monto_credito": 5e6, "plazo_meses": 24, "dias_mora_max_12m": 90}
)
assert decision.reasons
print(*sys.modules)
"""


def test_loading_and_asking_a_compiled_file_needs_no_readers_no_proof_and_no_compilation():
    done = subprocess.run([sys.executable, "-c", ASK], capture_output=True, text=True, check=True)
    loaded = {name for name in done.stdout.split() if name.startswith("morosidad.compiler.")}
    unwanted = ("readers", "proof", "compilation", "registry", "backends.numba.")
    assert "morosidad.compiler.pipeline" in loaded
    assert not {name for name in loaded if name.removeprefix("morosidad.compiler.").startswith(unwanted)}
