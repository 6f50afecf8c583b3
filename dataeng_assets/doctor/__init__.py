"""Causes of trouble, proven from live evidence and logs, each with its remedy."""
