"""How good a version is on given rows: measures with intervals, groups, weak spots, a rival, explanations."""
