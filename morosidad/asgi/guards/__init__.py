"""Guards of the server: access control, API keys, rate limits, request bodies, event-loop load."""
