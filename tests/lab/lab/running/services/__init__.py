"""Services of ECS: how many tasks run, and how deployments roll."""
