"""Protobuf files: compiling them, and what a new version breaks on the wire."""
