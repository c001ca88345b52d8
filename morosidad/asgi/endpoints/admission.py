"""Admission of a request: access, overload and rate limit, as one step of both ways in."""

from __future__ import annotations

from collections.abc import Awaitable

from morosidad.asgi.endpoints.call import Call
from morosidad.asgi.endpoints.route import Route
from morosidad.asgi.problems import Problem, unavailable


def admit(call: Call, route: Route) -> Awaitable[None] | None:
    """Let a request in, once: whoever asks again about one that was let in spends nothing more.

    Parameters
    ----------
    call : Call
        The request; its client becomes known.
    route : Route
        The scope that it needs, the rate limit that counts it, and whether it is work.

    Returns
    -------
    awaitable or None
        What is left to await: the rate limit, where there is one.

    Raises
    ------
    Problem
        E001, E401 or E403 from the access check; E503 while no work is taken. The awaitable raises E429.
    """
    if call.admitted:
        return None
    service = call.service
    access = service.access
    call.client = access.client(call.scope)
    if route.scope is None:
        access.check_place(call.headers, call.client)
    else:
        try:
            call.client = access.check(call.headers, call.client, route.scope)
        except Problem as problem:
            judged = service.failed_keys.judged(call.client, problem)
            call.client = access.holder(call.headers) or call.client
            raise judged from None
        call.check_request_id()
    if route.work and (reason := service.refuses()):
        raise unavailable(reason, close=service.stopping)
    call.admitted = True
    if route.rate is None or service.limiter is None:
        return None
    return service.limiter.hit(route.rate, call.client)
