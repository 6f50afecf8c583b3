select
    `account_id` as account_id,
    `email` as email,
    `plan` as plan,
    `country` as country,
    `state` as account_state,
    `seats` as seats,
    `balance` as balance,
    `closed_at` as closed_at,
    `updated_at` as updated_at
from {{ source('example', 'accounts') }}
