"""The data contract: what a table or topic holds, its types and rules. One ODCS document per table or topic."""
