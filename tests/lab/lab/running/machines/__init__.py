"""State machines of Step Functions that run tasks of ECS, and their executions."""
