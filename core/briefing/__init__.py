"""What a screen shows: one query module a screen, read from the local store alone, with ages instead of judgements."""
