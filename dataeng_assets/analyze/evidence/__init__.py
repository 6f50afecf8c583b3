"""Where facts about tables are known from: contracts, the Delta log, and databases that are asked."""
