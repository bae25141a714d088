"""The embedded endpoint: a process of its own that scores single rows and counts what it sees."""
