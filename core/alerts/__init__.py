"""Alerts: one for each condition that holds, folded from what the objectives say."""
