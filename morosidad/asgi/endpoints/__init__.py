"""Endpoints of the server: ordinary HTTP, the direct path of ``POST /predecir``, and WebSockets."""
