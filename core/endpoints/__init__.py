"""What is served where: endpoints, deployments, their delivery, and the counts that endpoints make."""
