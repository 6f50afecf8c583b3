"""Documents that others write about tables, read as suites, and suites written as theirs."""
