"""What ``morosidad score`` costs a file, in seconds of the processor, by kind of file.

    python benchmarks/files/bench_files.py [--rows N] [--times N] [--before FOLDER] [--smoke]

``--before`` names a folder with another version of the package, whose score command reads the same CSV files.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

ROOT = Path(__file__).parents[2]
CODE = "import sys; from morosidad.__main__ import main; sys.exit(main(sys.argv[1:]))"


def data(smoke: bool) -> dict[str, pd.DataFrame]:
    """Read the data sets, or make one up."""
    if smoke:
        rng = np.random.default_rng(0)
        x, z = rng.normal(size=(2, 400))
        y = (rng.random(400) < 1 / (1 + np.exp(-x))).astype(int)
        return {"made up": pd.DataFrame({"x": x, "z": np.where(z > 0, "a", "b"), "default": y})}
    folder = Path(os.environ.get("CREDIT_DATA_FOLDER", ROOT.parent / "shared" / "data"))
    return {name: pd.read_csv(folder / f"{name}.csv") for name in ("german", "taiwan")}


def cpu(package: Path, *arguments: str) -> float:
    """Run a command and give the seconds that processors worked on it, for it and for the system."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {**os.environ, "PYTHONPATH": str(package), "MOROSIDAD_LANGUAGE": "en"}
    command = [sys.executable, "-W", "ignore", "-c", CODE, *arguments]
    subprocess.run(command, env=environment, cwd=package, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure(name: str, frame: pd.DataFrame, options: argparse.Namespace, folder: Path) -> list[Any]:
    """Give a row of the table: seconds for each kind of file, the least of some times in turns."""
    train, source = folder / "train.csv", folder / "rows"
    frame.to_csv(train, index=False)
    rows = frame.drop(columns="default").sample(options.rows, replace=True, random_state=0)
    rows.to_csv(f"{source}.csv", index=False)
    rows.to_parquet(f"{source}.parquet", index=False)
    out = str(folder / "out.csv")
    packages = [ROOT, *([options.before] if options.before else [])]
    for place, package in enumerate(packages):
        model = str(folder / f"{place}.morosidad")
        kind = ["--model", "logistic"] if package == ROOT else []  # what the first version trains
        cpu(package, "train", str(train), "--target", "default", "-o", model, *kind)
    found: list[list[float]] = []
    for _ in range(options.times):
        model, kinds = str(folder / "0.morosidad"), (".csv", ".parquet")
        turn = [cpu(ROOT, "score", model, f"{source}{kind}", "-o", out) for kind in kinds]
        turn += [
            cpu(p, "score", str(folder / "1.morosidad"), f"{source}.csv", "-o", out) for p in packages[1:]
        ]
        found.append(turn)
    csv, parquet, *before = np.min(found, axis=0).tolist()
    ratio = [f"{before[0]:.2f} s", f"{before[0] / csv:.1f}×"] if before else ["", ""]
    return [name, f"{options.rows:,}", f"{csv:.2f} s", f"{parquet:.2f} s", *ratio]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--before", type=Path)
    parser.add_argument("--smoke", action="store_true")
    options = parser.parse_args()
    if options.smoke:
        options.rows, options.times = 1000, 1
    print("| data | rows | CSV | Parquet | CSV before | ratio |\n|---|---|---|---|---|---|")
    for name, frame in data(options.smoke).items():
        with tempfile.TemporaryDirectory() as folder:
            print("|", " | ".join(measure(name, frame, options, Path(folder))), "|", flush=True)


if __name__ == "__main__":
    main()
