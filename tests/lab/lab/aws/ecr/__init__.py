"""Elastic Container Registry."""
