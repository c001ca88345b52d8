"""Train the cooperative's model on synthetic applicants and keep it as a file."""

import sys
from pathlib import Path

from morosidad import AHORRO_VALLE, Policy, Scorer, make_applicants


def train(path: Path, rows: int = 4000) -> Scorer:
    """Fit the default pipeline; the cooperative looks at whatever is riskier than one in five."""
    applicants = make_applicants(rows, seed=7)
    scorer = Scorer.train(
        applicants[list(AHORRO_VALLE.names)],
        applicants["moroso_12m"],
        schema=AHORRO_VALLE,
        policy=Policy(review_at=0.2, decline_at=0.45, version="comité-2026"),
        name="ahorro-valle-ejemplo",
    )
    scorer.save(path)
    return scorer


if __name__ == "__main__":
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "modelo.morosidad")
    print(train(target).plan)
