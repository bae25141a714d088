"""What a screen shows: one query module a screen, read from the local store alone, with ages instead of judgements.

What a briefing returns are named tuples: making a frozen dataclass takes over ten times as long, and the two dozen of
them would cost the first screen as much as all of its queries.
"""
