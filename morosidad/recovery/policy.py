"""RecoveryPolicy: retries with escalating remedies behind a circuit breaker, for threads and for tasks."""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, wait
from contextlib import closing, contextmanager
from typing import Any, ParamSpec, TypeVar, cast

import msgspec

from morosidad.errors import Escalated, InputError, Overloaded, TransientError
from morosidad.recovery.attempts import attempt, attempt_async, wait_async
from morosidad.recovery.bulkhead import Bulkhead
from morosidad.recovery.circuit_breaker import CircuitBreaker
from morosidad.recovery.decorating import decorated, finished
from morosidad.recovery.escalation import AttemptReply, Escalation, EscalationSteps, Wait
from morosidad.recovery.events import EventDispatcher, Hook, RecoveryOutcome, RecoveryStats, log_event
from morosidad.recovery.levels import Failure, RecoveryLevel, Remedy, default_levels, model_at_fault

P = ParamSpec("P")
T = TypeVar("T")


class RecoveryPolicy:
    """A recovery policy: retries with escalating remedies behind a circuit breaker.

    One policy serves one component for as long as the process lives, from any number of threads and event
    loops. Calls that fail together elect one leader, which runs the remedies of one level and proves them
    with its own retry; the others wait for the result. A failed level leads to the next one, also across
    calls; a success starts over at the first. When every level has failed, or the budget is spent, the policy
    opens: it answers with `Escalated` at once, and lets one call probe after `reset_after` seconds.

    Parameters
    ----------
    levels : sequence of RecoveryLevel, optional
        What to try, gentlest first. By default the three levels of `default_levels`, whose remedies `attach`
        supplies.
    component : str, default='modelo'
        What the function belongs to; it names events and errors.
    deadline : float, default=8.0
        Seconds that a call may take in all: the first attempt, remedies, retries and waiting for others.
    attempt_timeout : float, optional
        Seconds that the first attempt may take. When given, `call` runs it on a thread of its own, which can
        be left behind. By default `call` runs it in the caller's thread, which costs nothing and which
        nothing can interrupt, and `acall` gives it the whole deadline, which leaves no time to recover.
    never : tuple of exception types, optional
        Errors that are passed on at once, such as programming errors. `InputError`, `Overloaded`, another
        policy's `Escalated` and cancellation always are.
    fallback : callable, optional
        Called like the function when recovery gives up, in the caller's thread; it should be quick. Its
        answer says ``degraded=True``: a msgspec struct with that field (a `Decision`) is copied with it,
        anything else must have it.
    hooks : iterable of callables, optional
        Each is given every `RecoveryEvent`, in the thread where it happens.
    decay : float, default=60.0
        Seconds without a failed level after which one failed attempt is forgotten.
    retry_budget, budget_window : int, float, optional
        Levels that may be run per that many seconds, retry included. Past it the policy opens.
    reset_after : float, default=30.0
        Seconds that the policy stays open before a probe.
    max_threads : int, default=8
        The most threads at a time for remedies and retries, abandoned ones included; with
        `attempt_timeout`, as many again for first attempts. When all are abandoned, attempts fail at once.
    clock : callable, optional
        The time in seconds; it must never go back.

    Raises
    ------
    ValueError
        An argument is out of range; the message names all of them.
    """

    def __init__(
        self,
        levels: Sequence[RecoveryLevel] | None = None,
        *,
        component: str = "modelo",
        deadline: float = 8.0,
        attempt_timeout: float | None = None,
        never: tuple[type[Exception], ...] = (),
        fallback: Callable[..., Any] | None = None,
        hooks: Iterable[Hook] = (log_event,),
        decay: float = 60.0,
        retry_budget: int = 20,
        budget_window: float = 60.0,
        reset_after: float = 30.0,
        max_threads: int = 8,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        durations = {
            "deadline": deadline, "attempt_timeout": attempt_timeout, "decay": decay,
            "budget_window": budget_window, "reset_after": reset_after,
        }  # fmt: skip
        counts = {"retry_budget": retry_budget, "max_threads": max_threads}
        _check_arguments(durations, counts, levels)
        self._own_levels = levels is not None
        self._attached = False
        levels, hooks = tuple(levels or default_levels()), tuple(hooks)
        self._fallback = fallback
        self._events = EventDispatcher(hooks)
        own = {"component": component, "never": never, "fallback": fallback, "hooks": hooks, "clock": clock}
        self._make: dict[str, Any] = {**durations, **counts, **own}
        self._clock = clock
        self._breaker = CircuitBreaker(
            [level.timeout for level in levels],
            decay=decay,
            budget=retry_budget,
            budget_window=budget_window,
            reset_after=reset_after,
        )
        first_attempts = Bulkhead(max_threads, f"{component}-attempt") if attempt_timeout else None
        self._escalation = Escalation(
            component=component,
            levels=levels,
            never=(InputError, Overloaded, Escalated, CancelledError, *never),
            deadline=deadline,
            attempt_timeout=attempt_timeout,
            breaker=self._breaker,
            bulkhead=Bulkhead(max_threads, f"{component}-recovery"),
            first_attempt_bulkhead=first_attempts,
            events=self._events,
            clock=clock,
        )
        self._direct = attempt_timeout is None

    @property
    def component(self) -> str:
        """What the function belongs to."""
        return self._escalation.component

    @property
    def levels(self) -> tuple[RecoveryLevel, ...]:
        """What is tried, gentlest first."""
        return self._escalation.levels

    @property
    def healthy(self) -> bool:
        """Whether nothing failed lately and no recovery runs: a call goes straight to its function."""
        return self._breaker.idle

    def attach(
        self,
        *,
        clear_related: Remedy | None = None,
        reload_model: Callable[[], object] | None = None,
        clear_caches: Callable[[], object] | None = None,
        rebuild: Callable[[], object] | None = None,
        model_at_fault: Callable[[Exception], bool] = model_at_fault,
    ) -> None:
        """Give the default levels their remedies; levels of one's own keep theirs. The last to attach wins.

        Parameters
        ----------
        clear_related, reload_model, clear_caches, rebuild, model_at_fault : callable, optional
            As `default_levels` takes them.
        """
        if not self._own_levels:
            self._attached = True
            self._escalation.levels = default_levels(
                clear_related=clear_related,
                reload_model=reload_model,
                clear_caches=clear_caches,
                rebuild=rebuild,
                model_at_fault=model_at_fault,
            )

    def unattached(self) -> RecoveryPolicy:
        """Return a policy of this make that has no remedies attached.

        Returns
        -------
        RecoveryPolicy
            This one if nothing was attached yet; else one with counts and a state of its own.
        """
        return RecoveryPolicy(None, **self._make) if self._attached else self

    def call(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Call ``fn(*args, **kwargs)`` and recover when it fails.

        After a failure, `fn` and the remedies run on other threads, with the caller's context variables.

        Parameters
        ----------
        fn : callable
            The function.
        *args, **kwargs
            Its arguments.

        Returns
        -------
        object
            What `fn` or the fallback returns.

        Raises
        ------
        Escalated
            Every level failed, or the policy is open; ``retry_after`` says for how long.
        DeadlineExceeded
            The deadline passed first.
        TypeError
            `fn` returned work that is still to be done: a coroutine, a generator, a future.
        """
        breaker = self._breaker
        if not (self._direct and breaker.healthy):
            return cast(T, self._run_steps(self._escalation.begin(args, kwargs), fn, args, kwargs))
        seen = breaker.generation
        started = self._clock()
        try:
            answer = fn(*args, **kwargs)
        except Exception as error:
            escalation = self._escalation
            if isinstance(error, escalation.never):
                raise
            steps = escalation.escalate(Failure(escalation.component, error, args, kwargs), started, seen)
        else:
            return finished(answer)
        return cast(T, self._run_steps(steps, fn, args, kwargs))

    async def acall(self, fn: Callable[P, Awaitable[T]], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Await ``fn(*args, **kwargs)`` and recover when it fails; as `call`, on the event loop.

        What overruns is cancelled, and so is everything when the caller is. Remedies are plain callables and
        run on other threads; the fallback may be a coroutine function.

        Parameters
        ----------
        fn : callable
            The coroutine function.
        *args, **kwargs
            Its arguments.

        Returns
        -------
        object
            What `fn` or the fallback returns.

        Raises
        ------
        Escalated
            Every level failed, or the policy is open; ``retry_after`` says for how long.
        DeadlineExceeded
            The deadline passed first.
        """
        reply: AttemptReply | None = None
        with closing(self._escalation.begin(args, kwargs)) as steps:
            while True:
                try:
                    step = steps.send(reply)
                except StopIteration as stop:
                    value, gave_up = stop.value
                    break
                seconds = step.until - self._clock()
                if isinstance(step, Wait):
                    await wait_async(step.future, seconds)
                else:
                    reply = await attempt_async(fn, args, kwargs, seconds)
        if gave_up is None:
            return cast(T, finished(value))
        try:
            with self._fallback_or_raise(gave_up) as fallback:
                answer = fallback(*args, **kwargs)
                return cast(T, _degraded(await answer if isinstance(answer, Awaitable) else answer))
        finally:
            del gave_up

    def __call__(self, fn: Callable[P, T]) -> Callable[P, T]:
        """Decorate a function, which then goes through `call`, or a coroutine function, through `acall`.

        Parameters
        ----------
        fn : callable

        Returns
        -------
        callable
            With the same signature.

        Raises
        ------
        TypeError
            It can't be called, or its call gives a generator, which runs only after it has returned. What
            only a call can show, as a coroutine from a plain function, is a TypeError of that call.
        """
        return decorated(self, fn)

    def stats(self) -> RecoveryStats:
        """Return the state and the counts.

        Returns
        -------
        RecoveryStats
        """
        state, attempts, tokens = self._breaker.state(self._clock())
        bulkheads = [
            g.counts()
            for g in (self._escalation.bulkhead, self._escalation.first_attempt_bulkhead)
            if g is not None
        ]
        counts = self._events.counts()
        return RecoveryStats(
            state=state,
            attempts=attempts,
            generation=self._breaker.generation,
            budget=tokens,
            outcomes={outcome: counts[outcome] for outcome in RecoveryOutcome},
            opened=counts["opened"],
            gave_up=counts["gave_up"],
            degraded=counts["degraded"],
            threads=sum(threads.alive for threads in bulkheads),
            abandoned=sum(threads.abandoned for threads in bulkheads),
            abandoned_ever=sum(threads.abandoned_ever for threads in bulkheads),
        )

    def _run_steps(
        self, steps: EscalationSteps, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> Any:
        """Run an escalation in the caller's thread, and end as it says."""
        reply: AttemptReply | None = None
        with closing(steps):
            while True:
                try:
                    step = steps.send(reply)
                except StopIteration as stop:
                    value, gave_up = stop.value
                    break
                seconds = step.until - self._clock()
                if isinstance(step, Wait):
                    wait([step.future], max(0.0, seconds))
                elif step.bulkhead is None:
                    reply = attempt(fn, args, kwargs)
                else:
                    reply = step.bulkhead.run(fn, args, kwargs, seconds)
        if gave_up is None:
            return finished(value)
        try:
            with self._fallback_or_raise(gave_up) as fallback:
                return _degraded(fallback(*args, **kwargs))
        finally:
            del gave_up  # its traceback holds this frame, and the frame the record

    @contextmanager
    def _fallback_or_raise(self, gave_up: TransientError) -> Iterator[Callable[..., Any]]:
        """Yield the fallback, or raise the error with which recovery gave up."""
        self._events.count("gave_up")
        try:
            if self._fallback is None:
                raise gave_up
            try:
                yield self._fallback
            except Exception as error:
                gave_up.add_note(f"the fallback failed too: {type(error).__name__}")
                raise gave_up from gave_up.__cause__
            self._events.count("degraded")
        finally:
            del gave_up


def _check_arguments(
    durations: Mapping[str, float | None], counts: Mapping[str, int], levels: Sequence[RecoveryLevel] | None
) -> None:
    wrong = [
        f"{k} must be a positive number of seconds"
        for k, v in durations.items()
        if not 0 < (1 if v is None else v) < math.inf
    ]
    wrong += [f"{k} must be 1 or more" for k, v in counts.items() if v < 1]
    if levels is not None and not levels:
        wrong.append("levels must not be empty")
    if wrong:
        raise ValueError("; ".join(wrong))


def _degraded(answer: Any) -> Any:
    """Mark a fallback's answer as degraded."""
    if getattr(answer, "degraded", None) is True:
        return answer
    if isinstance(answer, msgspec.Struct) and "degraded" in answer.__struct_fields__:
        return msgspec.structs.replace(answer, degraded=True)
    raise TypeError(f"a fallback's answer must say degraded=True; {type(answer).__name__} can't")
