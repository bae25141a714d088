"""What the daemon shows of itself to machines: metrics, health, and the ping whose absence is the alarm."""
