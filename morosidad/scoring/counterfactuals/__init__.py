"""Counterfactuals: the least changes to an applicant's record that would turn the decision."""
