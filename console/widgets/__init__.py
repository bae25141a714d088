"""Widgets of our own: lines of spans drawn straight to the terminal, and a table windowed by its source."""
