"""Where work is done that is cut into parts: on this machine, or by an engine that a plugin brings."""
