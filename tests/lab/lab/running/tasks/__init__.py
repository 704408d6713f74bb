"""Tasks of ECS and their containers."""
