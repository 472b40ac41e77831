"""Windows: whether the session is locked. Written from Microsoft's documentation, never run."""

import ctypes
from typing import Any, Final

_WTS_CURRENT_SESSION: Final = 0xFFFFFFFF
_WTS_SESSION_INFO_EX: Final = 25
_WTS_SESSIONSTATE_LOCK: Final = 0


class _SessionInfo(ctypes.Structure):
    """The beginning of WTSINFOEXW, level 1 (wtsapi32.h); the union in it holds 64-bit numbers."""

    _fields_ = (
        ("level", ctypes.c_uint32),
        ("padding", ctypes.c_uint32),
        ("session_id", ctypes.c_uint32),
        ("session_state", ctypes.c_int32),
        ("session_flags", ctypes.c_int32),
    )


def session_locked() -> bool:
    """Ask WTSQuerySessionInformationW."""
    wtsapi: Any = ctypes.windll.wtsapi32  # type: ignore[attr-defined]
    query = wtsapi.WTSQuerySessionInformationW
    query.argtypes = (
        ctypes.c_void_p,
        ctypes.c_uint32,
        ctypes.c_int,
        ctypes.POINTER(ctypes.c_void_p),
        ctypes.POINTER(ctypes.c_uint32),
    )
    wtsapi.WTSFreeMemory.argtypes = (ctypes.c_void_p,)
    found, size = ctypes.c_void_p(), ctypes.c_uint32()
    arguments = (_WTS_CURRENT_SESSION, _WTS_SESSION_INFO_EX, ctypes.byref(found))
    if not query(None, *arguments, ctypes.byref(size)) or not found.value:
        raise OSError
    try:
        if size.value < ctypes.sizeof(_SessionInfo):
            raise OSError
        info = _SessionInfo.from_address(found.value)
        return (info.level, info.session_flags) == (1, _WTS_SESSIONSTATE_LOCK)
    finally:
        wtsapi.WTSFreeMemory(found)
