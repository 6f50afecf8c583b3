select
    dbt_scd_id as account_key,
    account_id,
    plan,
    country,
    account_state,
    seats,
    balance,
    closed_at,
    updated_at,
    dbt_valid_from as valid_from,
    dbt_valid_to as valid_to,
    dbt_valid_to is null as is_current
from {{ ref('dim_accounts_history') }}
