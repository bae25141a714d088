"""A home in one file, with a hash of every part, and the way back."""

from core.backup.make import make
from core.backup.manifest import Manifest, Part
from core.backup.restore import restore

__all__ = ["Manifest", "Part", "make", "restore"]
