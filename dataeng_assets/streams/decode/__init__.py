"""What a record holds: from raw bytes in the format of the contract to typed columns, or to the reason why not."""
