"""What the counts say of a model: drift, quality, missing inputs, skew, and the verdict that joins them."""
