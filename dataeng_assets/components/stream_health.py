"""What Dagster hears of a stream's health: a check for each thing that is watched, judged by its samples."""

from collections.abc import Iterator

import dagster as dg

from dataeng_assets.contracts.health import HealthLimits
from dataeng_assets.orchestration.outcomes import TIER, not_evaluated
from dataeng_assets.streams.health.judge import HISTORY, Severity, descriptions, judge
from dataeng_assets.streams.health.samples import samples
from dataeng_assets.streams.stream import Stream


def health_checks(main: dg.AssetKey, limits: HealthLimits) -> list[dg.AssetCheckSpec]:
    """The checks of a stream's health, on its main table."""
    return [dg.AssetCheckSpec(name, asset=main, description=what) for name, what in descriptions(limits).items()]


def health_results(stream: Stream) -> Iterator[dg.AssetCheckResult]:
    """What they say after the newest sample."""
    key = dg.AssetKey(stream.main)
    taken = samples(stream.lake, stream.name, since=HISTORY)
    for finding in judge(taken, stream.contract.health):
        if finding.is_well is None:
            yield not_evaluated(finding.says, asset_key=key, check_name=finding.name)
            continue
        severe = dg.AssetCheckSeverity.ERROR if finding.severity is Severity.CRITICAL else dg.AssetCheckSeverity.WARN
        yield dg.AssetCheckResult(
            asset_key=key,
            check_name=finding.name,
            passed=finding.is_well,
            severity=severe,
            description=finding.says,
            metadata={TIER: finding.severity.value, "value": finding.value, "limit": finding.limit},
        )
