"""All causes that doctor knows, by id. A cause is said once: findings and pages of the runbook are made from it."""

from collections.abc import Mapping

from dataeng_assets.causes.catalogue.jobs import JOBS
from dataeng_assets.causes.catalogue.runs import RUNS
from dataeng_assets.causes.catalogue.servers import SERVERS
from dataeng_assets.causes.catalogue.streams import STREAMS
from dataeng_assets.causes.catalogue.tables import TABLES
from dataeng_assets.causes.cause import Cause

CAUSES: Mapping[str, Cause] = {cause.id: cause for cause in (*RUNS, *STREAMS, *TABLES, *SERVERS, *JOBS)}
