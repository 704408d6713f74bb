"""EventBridge: rules, and what they hand on."""
