"""Adapters and sinks that ship with Tocsin, each found by entry point exactly as a stranger's would be."""
