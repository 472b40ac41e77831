"""macOS: whether the session is locked. Written from Apple's documentation, never run."""

import ctypes
from typing import Final

_FRAMEWORKS: Final = "/System/Library/Frameworks"
_KEY: Final = b"CGSSessionScreenIsLocked"
_UTF_8: Final = 0x08000100


def session_locked() -> bool:
    """Ask CGSessionCopyCurrentDictionary; it has the key only while the screen is locked."""
    graphics = ctypes.CDLL(f"{_FRAMEWORKS}/ApplicationServices.framework/ApplicationServices")
    core = ctypes.CDLL(f"{_FRAMEWORKS}/CoreFoundation.framework/CoreFoundation")
    graphics.CGSessionCopyCurrentDictionary.restype = ctypes.c_void_p
    core.CFStringCreateWithCString.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_uint32)
    core.CFStringCreateWithCString.restype = ctypes.c_void_p
    core.CFDictionaryGetValue.argtypes = (ctypes.c_void_p, ctypes.c_void_p)
    core.CFDictionaryGetValue.restype = ctypes.c_void_p
    core.CFRelease.argtypes = (ctypes.c_void_p,)
    session = graphics.CGSessionCopyCurrentDictionary()
    if not session:
        raise OSError
    key = core.CFStringCreateWithCString(None, _KEY, _UTF_8)
    try:
        return bool(core.CFDictionaryGetValue(session, key))
    finally:
        core.CFRelease(key)
        core.CFRelease(session)
