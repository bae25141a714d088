"""Tell that a job ran out of memory, however its native code, its limit or the kernel put it."""

from __future__ import annotations

import errno
import signal

# What Python, C++, Arrow, the thread library and the loader say when they get no more memory.
SIGNS = (
    "bad_alloc",
    "bad allocation",
    "cannot allocate memory",
    "unable to allocate",
    "memoryerror",
    "out of memory",
    "failed to map segment",
    "can't start new thread",
    "thread creation failed",
    "pthread_create failed",
)
# How a process ends whose native code did not look whether it got the memory, or that the kernel chose.
NATIVE = (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGKILL)
# A process that held this share of its limit in memory died of the limit.
NEAR = 0.8


def ran_out(error: BaseException | None) -> bool:
    """Whether an error, or what it was raised from, is a lack of memory."""
    while error is not None:
        lacks = isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM)
        if lacks or says_so(str(error)):
            return True
        error = error.__cause__ or error.__context__
    return False


def says_so(text: str) -> bool:
    """Whether the last words of a process tell of a lack of memory."""
    lower = text.lower()
    return any(sign in lower for sign in SIGNS)


def kernel_kills() -> int:
    """How many processes the kernel has killed for want of memory since it started; 0 where it does not say."""
    try:
        with open("/proc/vmstat") as lines:
            return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)
    except OSError:
        return 0


def native_end(code: int) -> str:
    """The name of the signal that ended a process as a lack of memory may; empty for any other end."""
    return signal.Signals(-code).name if -code in NATIVE else ""
