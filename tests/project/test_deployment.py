"""The files of the deployment examples, each read by the program or the library that knows its kind."""

from __future__ import annotations

import json
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from morosidad.settings import Settings
from support import needed

yaml = pytest.importorskip("yaml")

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "examples" / "deploy"
FILES = sorted(path for path in DEPLOY.rglob("*") if path.is_file())
PLATFORM = {"MOROSIDAD_LANGUAGE"}


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def program(name: str) -> str:
    found = shutil.which(name)
    needed(found is not None, name)
    assert found is not None
    return found


def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DEPLOY / "grafana" / "dashboard.json").read_text(encoding="utf-8"))
    return found


def test_every_setting_that_they_name_is_one() -> None:
    known = {f"MOROSIDAD_{name.upper()}" for name in Settings().sources()}
    named = {name for path in FILES for name in re.findall(r"MOROSIDAD_[A-Z_]+", path.read_text("utf-8"))}
    assert {"MOROSIDAD_SERVER_HOST", "MOROSIDAD_SERVER_API_KEYS"} <= named
    assert named - known == set()


def test_every_file_of_yaml_is_read() -> None:
    for path in FILES:
        if path.suffix in (".yaml", ".yml"):
            assert all(isinstance(document, dict) for document in yaml.safe_load_all(path.read_text("utf-8")))


def test_the_container_runs_without_rights_and_with_a_read_only_root() -> None:
    served = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))["services"]["morosidad"]
    assert served["read_only"] is True
    assert served["cap_drop"] == ["ALL"]
    assert [port.split(":")[0] for port in served["ports"]] == ["127.0.0.1"]
    recipe = (DEPLOY / "Containerfile").read_text("utf-8").splitlines()
    assert recipe.index("USER 10001") < recipe.index('CMD ["morosidad", "serve"]')
    assert any(line.startswith("HEALTHCHECK") for line in recipe)


def test_prometheus_knows_the_configuration_and_the_rules(tmp_path: Path) -> None:
    promtool = program("promtool")
    run(promtool, "check", "rules", str(DEPLOY / "prometheus" / "rules.yml"))
    text = (DEPLOY / "prometheus" / "prometheus.yml").read_text("utf-8")
    (tmp_path / "morosidad.key").write_text("clave", "utf-8")
    (tmp_path / "prometheus.yml").write_text(text.replace("/etc/prometheus/", f"{tmp_path}/"), "utf-8")
    shutil.copy(DEPLOY / "prometheus" / "rules.yml", tmp_path)
    assert "SUCCESS" in run(promtool, "check", "config", str(tmp_path / "prometheus.yml"))


def test_prometheus_reads_each_query_of_the_dashboard(tmp_path: Path) -> None:
    queries = [target["expr"] for panel in dashboard()["panels"] for target in panel["targets"]]
    rules = [
        {"record": f"panel:{place}", "expr": query.replace("$__rate_interval", "5m")}
        for place, query in enumerate(queries)
    ]
    (tmp_path / "rules.yml").write_text(
        yaml.safe_dump({"groups": [{"name": "all", "rules": rules}]}), "utf-8"
    )
    said = run(program("promtool"), "check", "rules", str(tmp_path / "rules.yml"))
    assert f"{len(queries)} rules found" in said


def test_dashboard_and_rules_ask_about_metrics_that_the_server_has() -> None:
    pytest.importorskip("starlette")
    script = runpy.run_path(str(ROOT / "scripts" / "make_grafana_dashboard.py"))
    families = script["families"]()
    assert dashboard() == script["dashboard"](families), "run scripts/make_grafana_dashboard.py"
    known = {family.name.removesuffix("_info") for family in families}
    rules = (DEPLOY / "prometheus" / "rules.yml").read_text("utf-8")
    asked = {re.sub("_(total|bucket|info)$", "", name) for name in re.findall(r"morosidad_\w+", rules)}
    assert len(asked) > 4
    assert asked <= known


def test_the_dashboard_is_checked_by_its_script() -> None:
    pytest.importorskip("starlette")
    run(sys.executable, str(ROOT / "scripts" / "make_grafana_dashboard.py"), "--check")


def test_the_manifests_are_what_kubernetes_expects() -> None:
    validate = pytest.importorskip("kubernetes_validate")
    documents = list(yaml.safe_load_all((DEPLOY / "kubernetes" / "morosidad.yaml").read_text("utf-8")))
    for document in documents:
        validate.validate(document, "1.37", strict=True)
    broken = {**documents[0], "spec": {**documents[0]["spec"], "replikas": 2}}
    with pytest.raises(validate.ValidationError):
        validate.validate(broken, "1.37", strict=True)
    served = documents[0]["spec"]["template"]["spec"]
    (container,) = served["containers"]
    probes = {
        name: container[f"{name}Probe"]["httpGet"]["path"] for name in ("startup", "readiness", "liveness")
    }
    assert probes == {"startup": "/salud/lista", "readiness": "/salud/lista", "liveness": "/salud/viva"}
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert served["securityContext"]["runAsNonRoot"] is True


def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    text = (DEPLOY / "systemd" / "morosidad.service").read_text("utf-8")
    assert "LimitNOFILE=65536" in text
    unit = tmp_path / "morosidad.service"
    unit.write_text(text.replace("/opt/morosidad/bin/morosidad", sys.executable), "utf-8")
    said = run(program("systemd-analyze"), "verify", "--man=no", "--recursive-errors=no", str(unit))
    assert not [line for line in said.splitlines() if unit.name in line]
