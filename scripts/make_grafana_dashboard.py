"""Make the Grafana dashboard of the examples from what the server itself shows to Prometheus.

``--check`` says whether the file is that of this version, and writes nothing.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from morosidad import Scorer, Settings
from morosidad.asgi.exposition import exposition
from morosidad.asgi.service import Service

FILE = Path(__file__).parents[1] / "examples" / "deploy" / "grafana" / "dashboard.json"
_COLUMNS, _WIDTH, _HEIGHT = 2, 12, 8
_SOURCE = {"type": "prometheus", "uid": "prometheus"}
_UNITS = {"seconds": "s", "ratio": "percentunit"}
_LABELS = {
    "morosidad_alerta": ["codigo", "nivel"],
    "morosidad_registro_en_espera": ["archivo"],
    "morosidad_registro_escritas": ["archivo"],
    "morosidad_registro_perdidas": ["archivo"],
    "morosidad_rechazos": ["ruta", "codigo"],
    "morosidad_reglas": ["regla"],
    "morosidad_etapa_seconds": ["etapa"],
    "morosidad_modelo": ["nombre", "version", "huella"],
}
"""Labels of the families that have no sample before there is traffic."""


def families() -> list[Any]:
    """Give the metric families that a server shows, with the decision log and a shared cache among them."""
    with TemporaryDirectory() as folder:
        settings = Settings(audit_file=f"{folder}/decisiones.jsonl", cache_storage="redis://127.0.0.1:1/0")
        service = Service(Scorer.default(), settings)
        service.kpis.observe_resources(cpu=1.0, memory=1.0, connections=1, queue=1)
        text = exposition(service).decode()
        if service.audit is not None:
            service.audit.close()
    return list(text_string_to_metric_families(text))


def queries(family: Any) -> list[tuple[str, str]]:
    """Give what to ask about a family, each with its legend."""
    name = family.name
    labels = sorted({label for sample in family.samples for label in sample.labels} - {"le"})
    labels = labels or _LABELS.get(name, [])
    legend = " · ".join(f"{{{{{label}}}}}" for label in labels) or "{{instance}}"
    by = ", ".join(labels or ["instance"])
    if family.type == "counter":
        return [(f"sum by ({by}) (rate({name}_total[$__rate_interval]))", legend)]
    if family.type == "histogram":
        buckets = f"sum by ({', '.join([*labels, 'le'])}) (rate({name}_bucket[$__rate_interval]))"
        shown = f"{legend} " if labels else ""
        return [(f"histogram_quantile({q}, {buckets})", f"{shown}p{q * 100:g}") for q in (0.5, 0.95, 0.99)]
    if family.type == "info":
        return [(f"count by ({by}) ({name}_info)", legend)]
    return [(f"max by ({by}) ({name})", legend)]


def dashboard(found: Iterable[Any]) -> dict[str, Any]:
    """Make the document: one panel for each family."""
    panels = [_panel(place, family) for place, family in enumerate(sorted(found, key=lambda one: one.name))]
    return {
        "uid": "morosidad",
        "title": "morosidad",
        "schemaVersion": 39,
        "time": {"from": "now-1h", "to": "now"},
        "refresh": "15s",
        "panels": panels,
    }


def _panel(place: int, family: Any) -> dict[str, Any]:
    x, y = place % _COLUMNS * _WIDTH, place // _COLUMNS * _HEIGHT
    unit = _UNITS.get(family.name.rsplit("_", 1)[-1], "short")
    return {
        "id": place + 1,
        "type": "timeseries",
        "title": family.documentation,
        "datasource": _SOURCE,
        "gridPos": {"x": x, "y": y, "w": _WIDTH, "h": _HEIGHT},
        "fieldConfig": {"defaults": {"unit": unit}, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + n), "datasource": _SOURCE, "expr": expr, "legendFormat": legend}
            for n, (expr, legend) in enumerate(queries(family))
        ],
    }


def main() -> int:
    """Write the dashboard, or check it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    text = json.dumps(dashboard(families()), indent=1, ensure_ascii=False) + "\n"
    if parser.parse_args().check:
        if FILE.read_text(encoding="utf-8") == text:
            return 0
        print(f"{FILE.name} is not that of this version: run {Path(__file__).name}", file=sys.stderr)
        return 1
    FILE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
