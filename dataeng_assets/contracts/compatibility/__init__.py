"""Whether a new version of a schema breaks anyone: one module per schema language, all giving a `Verdict`."""
