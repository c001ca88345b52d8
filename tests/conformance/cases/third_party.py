"""Estimators of other libraries, as far as they are installed."""

from __future__ import annotations

from conformance.case import Group
from conformance.cases import third_party_models, third_party_transformers

GROUP = Group("third party")

third_party_models.add_to(GROUP)
third_party_transformers.add_to(GROUP)
