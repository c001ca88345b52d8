"""The web pages: the form, the dashboard, and the files that they are made of."""
