"""Scripts that log decisions in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys

PRELUDE = """
import mmap, os, signal, struct, sys, threading, time, types
from morosidad.audit import AuditContext, AuditLog

folder = sys.argv[1]
context = AuditContext(
    model="m", version="1", digest="d", schema="s", policy="p", cutoffs={}, fields=("edad",))

def decision(request_id):
    return types.SimpleNamespace(
        probability=0.1, probabilities=(0.9, 0.1), label=0, confidence=0.9, outcome="aprobar", reasons=(),
        warnings=(), cached=None, degraded=False, request_id=request_id)

def make(**options):
    return AuditLog(folder + "/d.jsonl", usage=lambda: (None, None), **options)

def append(log, request_id):
    return log.append(context, decision(request_id), (30,), 0.1)
"""


def start(script, folder, **options):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", PRELUDE + script, str(folder)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )
