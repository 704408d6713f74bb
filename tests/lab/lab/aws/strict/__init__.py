"""The strict profile's replies that lag behind the truth, and its quotas; one file a part or two."""
