"""What every streaming pipeline needs, whatever runs it: the events of a topic, the topic itself, and the way to Kafka.

How a system reads and writes them belongs in that system's own folder.
"""
