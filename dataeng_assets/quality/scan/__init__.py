"""Judging one table: rules of rows and metrics share one pass; uniqueness, references, distributions have their own."""
