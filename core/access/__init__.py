"""Who acts, and what they may do."""

from core.access.actor import current_actor

__all__ = ["current_actor"]
