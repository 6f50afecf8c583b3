"""The warehouse: dbt models, one invocation for each kind, and what is published of them."""

from dataeng_assets.orchestration.dbt import manifest
from dataeng_assets.orchestration.gold import published
from dataeng_assets.orchestration.models import models

# each kind reads only those before it
undated = models("undated")
dated = models("daily")
summaries = models("summary")

gold = published(manifest())
