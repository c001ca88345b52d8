"""Key figures of the last minutes: counted as records go by, reported when asked.

One direction: `sketch` and `rings` hold numbers, `counts` says what a row of them means,
`recorder` writes, `tracker` reads; `report`, `diagnosis`, `live` and `prometheus`
show.
"""

from morosidad.alerts import Alert, AlertBook
from morosidad.kpis.live import LiveMetrics
from morosidad.kpis.report import KPIReport
from morosidad.kpis.thresholds import Thresholds
from morosidad.kpis.tracker import KPITracker

__all__ = ["Alert", "AlertBook", "KPIReport", "KPITracker", "LiveMetrics", "Thresholds"]
