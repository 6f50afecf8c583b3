"""From when to when a version of a dimension's row is valid: SQL over the row versions that bronze holds.

The same rules as dbt's macro `scd2`, whose dimensions these versions must agree with; a test compares both. Choosing
which versions, and what they are joined to, belongs in `enrich`.
"""

from dataeng_assets.contracts.checks.sql import listed

_COUNTS_FIRST = "extracted DESC, CASE WHEN op = 'delete' THEN 0 ELSE 1 END, hash DESC"  # of one key and instant


def validity(versions: str, keys: int, columns: int, first_from: int | None) -> str:
    """A query that gives each version of a row with the time in which it is valid.

    When: a version begins at the row's clock, else at its extraction. A delete, and a row that came back after one, can
    carry an old clock: they begin no earlier than their extraction and than what had been read of the key by then.
    Which: per key and instant one row counts: the newest extraction, a delete before a row, then the content's hash.
    A version begins where a column differs from the row before, at the first row, and after a delete; it ends where the
    next one begins or the key is deleted.

    Args:
        versions: a relation with the key `k0, k1, …`, the columns `v0, v1, …`, `clock` and `extracted` (microseconds,
            the clock may be missing), `op` and `hash`.
        keys: how many columns the key has.
        columns: how many columns are told.
        first_from: microseconds at which each key's first version begins at the latest; None to leave it where it is.

    Returns:
        SQL of a query with the key, `since` (microseconds), and what is valid from then until the key's next row: the
        columns and `valid_from`, which is `since`, or nothing at all where the key is deleted.
    """
    by = listed(f"k{number}" for number in range(keys))
    told = listed(f"v{number}" for number in range(columns))
    differs = "".join(f" OR v{n} IS DISTINCT FROM lag(v{n}) OVER in_order" for n in range(columns))
    since = "instant" if first_from is None else f"CASE WHEN nth = 1 THEN least(instant, {first_from}) ELSE instant END"
    return f"""
        WITH clocked AS (
            SELECT *, CASE WHEN op IN ('delete', 'return') THEN greatest(clock, extracted)
                ELSE coalesce(clock, extracted) END AS known_at
            FROM {versions}
        ),
        placed AS (
            SELECT *, CASE WHEN op IN ('delete', 'return')
                THEN max(known_at) OVER (PARTITION BY {by} ORDER BY extracted) ELSE known_at END AS instant
            FROM clocked
        ),
        ranked AS (
            SELECT *, row_number() OVER (PARTITION BY {by}, instant ORDER BY {_COUNTS_FIRST}) AS place FROM placed
        ),
        changes AS (
            SELECT *,
                row_number() OVER (PARTITION BY {by} ORDER BY op = 'delete', instant) AS nth,
                op <> 'delete' AND (coalesce(lag(op) OVER in_order, 'delete') = 'delete'{differs}) AS begins,
                max(op <> 'delete') OVER in_order AS was_there
            FROM ranked WHERE place = 1
            WINDOW in_order AS (PARTITION BY {by} ORDER BY instant)
        )
        SELECT {by}, {told}, {since} AS since, CASE WHEN op <> 'delete' THEN {since} END AS valid_from
        FROM changes WHERE begins OR (op = 'delete' AND was_there)"""
