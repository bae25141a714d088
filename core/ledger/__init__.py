"""What happened: append-only events, hash-chained."""

from core.ledger.chain import Event, Verification, append, verify
from core.ledger.timeline import timeline

__all__ = ["Event", "Verification", "append", "timeline", "verify"]
