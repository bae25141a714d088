"""Gates: what must be true of a version before it goes on, declared by its team and asked of what was measured."""
