"""How a stream is doing: what was measured, whether it is well, and in which words Prometheus hears of it."""
