"""CloudWatch."""
