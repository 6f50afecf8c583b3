"""Metrics of tables over time: measured, kept, and judged against what was usual before."""
