"""The lake: Delta tables under one address, written strictly and read by version. Nothing here knows what rows mean."""
