"""Findings for people and for machines: `table`, `json_report`, `sarif`, `markdown`."""
