"""Decisions of architecture, from what is demanded, with their reasons and what would change them."""
