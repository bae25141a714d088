"""Steps for a known failure: read, trusted, walked, and never run twice by accident."""
