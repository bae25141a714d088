"""From a page to a proven fix: one incident, its suspects, its class, what would help, and its postmortem."""
