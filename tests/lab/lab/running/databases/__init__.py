"""Servers behind databases and caches."""
