"""The ways in: HTTP endpoints, the direct path of ``POST /predecir``, and WebSockets."""
