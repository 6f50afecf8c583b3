select
    account_id,
    email,
    plan,
    country,
    state as account_state,
    seats,
    balance,
    closed_at,
    updated_at
from {{ source('example', 'accounts') }}
