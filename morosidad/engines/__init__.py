"""One scorer on many processes and machines; each engine has a module of its own."""

from morosidad.engines.dask import score_dask as score_dask
from morosidad.engines.joblib import score_joblib as score_joblib
from morosidad.engines.ray import score_ray as score_ray
from morosidad.engines.reports import BatchReport as BatchReport
from morosidad.engines.reports import batch_report as batch_report
from morosidad.engines.spark import score_spark as score_spark
