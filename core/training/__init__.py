"""From a snapshot to a model file: split by time, fit, evaluate, and keep the reference that drift is measured by."""
