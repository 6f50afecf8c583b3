"""Talking to a Kafka cluster: how it is secured, what its topics hold, and reading them."""
