"""What the memory of this process shows to others, and what is left in it."""

import ctypes
import gc
import os
import signal
import sys
from functools import lru_cache
from typing import Final

# Linux, <sys/prctl.h> and <sys/mman.h>.
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_DUMPABLE: Final = 4
_MCL_CURRENT, _MCL_FUTURE, _MCL_ONFAULT = 1, 2, 4
# macOS, <sys/ptrace.h>.
_PT_DENY_ATTACH: Final = 31

_OVERWRITING: Final = {
    "linux": {
        "PYTHONMALLOC": "malloc",
        # Without the cache of each thread: what lies in it is not overwritten.
        "GLIBC_TUNABLES": "glibc.malloc.perturb=165:glibc.malloc.tcache_count=0",
    },
    "darwin": {"PYTHONMALLOC": "malloc", "MallocScribble": "1"},
}
"""Variables that let the C library overwrite memory when it is freed. They are read when a process
starts. macOS's is documented by Apple and was not tried."""

_CACHED: Final = type(lru_cache(lambda: None))


def conceal() -> None:
    """Let no other process of the user read this memory, and no crash write it to a file.

    On Windows nothing needs to be said: crash dumps are off unless someone asked for them.
    """
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415 - POSIX

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        _libc().prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    elif sys.platform == "darwin":
        _libc().ptrace(_PT_DENY_ATTACH, 0, None, 0)


def keep_out_of_swap() -> None:
    """Keep this memory out of swap, where the user may lock as much as they like."""
    if sys.platform != "linux":
        return
    import resource  # noqa: PLC0415 - POSIX

    if resource.getrlimit(resource.RLIMIT_MEMLOCK)[0] == resource.RLIM_INFINITY:
        _libc().mlockall(_MCL_CURRENT | _MCL_FUTURE | _MCL_ONFAULT)


def end_with(parent: int) -> None:
    """End this process when its parent ends, however that happens.

    Elsewhere than on Linux the end of the pipe to the parent has to tell.
    """
    if sys.platform == "linux":
        _libc().prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)


def overwrite_what_is_freed() -> None:
    """Start this program anew, once, so that memory is overwritten whenever it is freed.

    Python's own allocator leaves what it frees as it is, and so does the C library unless its
    environment asks for more when the process starts. Only what is never freed stays then.
    """
    variables = _OVERWRITING.get(sys.platform, {})
    if any(os.environ.get(name) != value for name, value in variables.items()):
        sys.stdout.flush()
        sys.stderr.flush()
        os.execve(sys.executable, sys.orig_argv, {**os.environ, **variables})  # noqa: S606
    for name in variables:
        del os.environ[name]  # for this process only, not for those it starts


def forget() -> None:
    """Free what nobody refers to, and every cache of function results: they keep arguments.

    Takes some tens of milliseconds.
    """
    for cached in gc.get_objects():
        if isinstance(cached, _CACHED):
            cached.cache_clear()
    gc.collect()
    if sys.platform == "linux":
        _libc().malloc_trim(0)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None)
