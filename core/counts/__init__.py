"""What was measured: additive integer counts in half-open windows, never a ratio, never a mean."""
