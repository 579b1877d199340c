"""Runs a program and measures it as a whole."""

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Spent:
    """What a process took."""

    wall_seconds: float
    cpu_seconds: float
    peak_mib: float


def spent(command: Sequence[str | Path], environment: Mapping[str, str]) -> Spent:
    """Run a command to its end, with these variables beside our own. Raises `CalledProcessError`."""
    started = time.perf_counter()
    process = subprocess.Popen(command, env={**os.environ, **environment})
    _, status, usage = os.wait4(process.pid, 0)
    wall_seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return Spent(wall_seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
