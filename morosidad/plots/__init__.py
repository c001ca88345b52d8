"""Figures for notebooks and reports: one applicant, the model, the service, the population."""

from morosidad.plots.applicant import waterfall
from morosidad.plots.cutoff_figure import cutoffs
from morosidad.plots.quality import calibration, roc, scores
from morosidad.plots.service import kpis
from morosidad.plots.shapes import shapes
from morosidad.plots.stability import drift

__all__ = ["calibration", "cutoffs", "drift", "kpis", "roc", "scores", "shapes", "waterfall"]
