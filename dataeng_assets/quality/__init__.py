"""Judging data: inputs opened, rules compiled to one scan, results, quarantine, metrics over time, reports."""
