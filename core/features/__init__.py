"""Feature views and reference bins: one code path for training, for serving and for the counts."""
