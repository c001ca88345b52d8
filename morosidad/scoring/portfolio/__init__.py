"""A model in a lender's portfolio: its default rate, and labelled rows under a policy."""
