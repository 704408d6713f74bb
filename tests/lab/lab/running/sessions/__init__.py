"""Sessions of ECS Exec: a command in a container, on a terminal, for whoever has its token."""
