"""What exists: only what Dagster must load, thin and declarative. Everything in this folder is loaded."""
