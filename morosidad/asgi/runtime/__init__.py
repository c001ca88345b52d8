"""The running server: uvicorn, its event loop, background threads, worker processes, alerts and reloads."""
