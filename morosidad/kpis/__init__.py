"""Key performance indicators (KPIs) over a sliding window, with reports, alerts and live metrics.

Data flows one way: `counting` holds numbers by sub-window, `counts` are the figures of a span of time,
`recorder` writes and `tracker` reads; `report`, `diagnosis` and `live` present.
"""

from morosidad.alerts import Alert, AlertBook
from morosidad.kpis.live import LiveMetrics
from morosidad.kpis.report import KPIReport
from morosidad.kpis.thresholds import Thresholds
from morosidad.kpis.tracker import KPITracker

__all__ = ["Alert", "AlertBook", "KPIReport", "KPITracker", "LiveMetrics", "Thresholds"]
