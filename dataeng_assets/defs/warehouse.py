"""The warehouse: dbt models, and what is published of them."""

from dataeng_assets.orchestration.dbt import manifest
from dataeng_assets.orchestration.gold import published
from dataeng_assets.orchestration.models import models

built = models()
gold = published(manifest())
