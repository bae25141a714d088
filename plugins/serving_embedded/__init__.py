"""The adapter of Tocsin's own endpoint (`tocsin serve`)."""
