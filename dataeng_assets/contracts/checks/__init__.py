"""What can be demanded of a table: the kinds of checks, the rules made of them, their names elsewhere, their SQL."""
