"""Tables whose rows are a pure function of committed events: how they are published, and how their events are read."""
