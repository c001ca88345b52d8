"""Figures for notebooks and reports: one applicant, the model, the service, the population."""

from morosidad.plots.figures import calibration, drift, roc, scores, waterfall

__all__ = ["calibration", "drift", "roc", "scores", "waterfall"]
