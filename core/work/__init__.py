"""What is to be done: job runs and outbox messages, leased, fenced, retried; done once whoever dies meanwhile."""
