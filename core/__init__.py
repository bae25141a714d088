"""Tocsin's core: data to retirement of a model over one local store; knows no screen."""

__version__ = "0.1.0"
