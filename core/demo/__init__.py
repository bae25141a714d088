"""The flights year: real data, replayed as a model's traffic."""
