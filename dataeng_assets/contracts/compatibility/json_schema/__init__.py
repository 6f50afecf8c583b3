"""JSON Schema: is every document that one version accepts also accepted by the other? Begin in `compare`."""
