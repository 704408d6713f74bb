"""IAM's identity policies: how they are read, who has which, and what they say to a call."""
