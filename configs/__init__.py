"""Shipped YAML: the default configuration and the mappings of well-known exports."""
