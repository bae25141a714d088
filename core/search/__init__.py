"""Full-text search over incidents, their notes and the logs of jobs."""

from core.search.find import Hit, find
from core.search.logs import take_in_logs

__all__ = ["Hit", "find", "take_in_logs"]
