"""From a JSON object to the bytes of a record in the format of its contract: the way back of `decode`."""
