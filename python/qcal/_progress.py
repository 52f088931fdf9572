"""A line that rewrites itself on a terminal, and nothing elsewhere."""
from __future__ import annotations

import sys
import time


class Progress:
    """Call it with the number of batches done. total: None where nobody knows."""

    def __init__(self, total: int | None, shown: bool | None = None):
        self.total, self.started = total, time.monotonic()
        self.shown = sys.stderr.isatty() if shown is None else shown

    def __call__(self, done: int) -> None:
        if not self.shown:
            return
        if self.total is None:
            print(f"\rbatch {done} ", end="", file=sys.stderr, flush=True)
            return
        left = (time.monotonic() - self.started) / done * (self.total - done)
        bar = "#" * (30 * done // max(self.total, 1))
        print(f"\r[{bar:<30}] batch {done} of {self.total}, {left:.0f} s left ", end="", file=sys.stderr, flush=True)

    def close(self) -> None:
        if self.shown:
            print(file=sys.stderr)
