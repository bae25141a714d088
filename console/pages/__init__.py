"""What screens say: a briefing and a size become lines of text. Pure, so that a frame needs no terminal."""
