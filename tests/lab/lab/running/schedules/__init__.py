"""EventBridge Scheduler: schedules that come round, and what they start."""
