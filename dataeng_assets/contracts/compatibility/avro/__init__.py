"""Avro schemas: reading them, and what a new version breaks."""
