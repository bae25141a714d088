"""The language of declared columns and of rules between columns: read, bound, computed for a row or for a table."""
