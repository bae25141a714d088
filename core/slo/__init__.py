"""Objectives: error budgets, burn rates and the rules that fire on them."""
