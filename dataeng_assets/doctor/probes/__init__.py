"""What looks at the live platform: a probe each, which asks the rooms below and says what it proves.

A probe says how much it has looked at, and names what it could not look at; silence is no pass.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from dataeng_assets.doctor.finding import Said
from dataeng_assets.doctor.probes.assets import failed_blocking_checks, stale_assets
from dataeng_assets.doctor.probes.machine import full_disks, slow_models
from dataeng_assets.doctor.probes.pools import leaked_places
from dataeng_assets.doctor.probes.runs import troubled_runs
from dataeng_assets.doctor.probes.sources import troubled_sources
from dataeng_assets.doctor.probes.streams import troubled_streams
from dataeng_assets.doctor.probes.tables import doubled_rows, troubled_tables, unknown_fields
from dataeng_assets.doctor.scope import Scope


@dataclass(frozen=True)
class Probe:
    """One look.

    Attributes:
        what: is looked at, in words.
    """

    what: str
    look: Callable[[Scope], Iterator[Said]]


PROBES = (
    Probe("runs", troubled_runs),
    Probe("pools", leaked_places),
    Probe("freshness", stale_assets),
    Probe("checks", failed_blocking_checks),
    Probe("streams", troubled_streams),
    Probe("tables of the lake", troubled_tables),
    Probe("rows that are there twice", doubled_rows),
    Probe("fields that no contract names", unknown_fields),
    Probe("Postgres sources", troubled_sources),
    Probe("disks", full_disks),
    Probe("dbt's models", slow_models),
)
