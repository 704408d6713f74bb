"""What makes moto answer as AWS does: a room a service, and what goes across services."""
