"""The signals that ask a program to end. Standard library only."""

import signal


def ending() -> tuple[signal.Signals, ...]:
    """SIGINT (Ctrl-C), SIGTERM, and SIGHUP (the terminal was closed), unless nohup has refused that one."""
    found = [signal.SIGINT, signal.SIGTERM]
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        found.append(signal.SIGHUP)
    return tuple(found)
