"""The network's edge: the guarded HTTP client, the loopback redirect, the system browser."""
