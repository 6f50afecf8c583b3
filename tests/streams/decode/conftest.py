"""Makes `decode_kit` importable."""
