-- Which other accounts call into ours, on what services, and as whom?
-- ? first_day  e.g. '2026-10-01'  first day, inclusive (UTC)
-- ? last_day  e.g. '2026-10-31'  last day, inclusive (UTC)
-- Needs: management events of all services; data events for buckets, keys, queues and functions that others use.
-- Blind spots: the owner's copy often names only the account and principal id, not the ARN. A role that a foreign
--   principal assumed counts as our own from then on: start from its sts row and follow issued_access_key_id.
SELECT
    user_account_id AS caller_account_id,
    recipient_account_id,
    event_source,
    coalesce(session_issuer_arn, user_arn, user_principal_id) AS principal,
    outcome,
    count(DISTINCT coalesce(shared_event_id, event_id, CAST(event_time AS varchar))) AS calls,
    array_join(slice(array_sort(array_agg(DISTINCT event_name)), 1, 20), ', ') AS event_names,
    array_join(slice(array_sort(array_agg(DISTINCT source_ip_address)), 1, 20), ', ') AS source_ip_addresses,
    min(event_time) AS first_event_time,
    max(event_time) AS last_event_time,
    slice(array_sort(array_agg(DISTINCT event_id)), 1, 20) AS event_ids
FROM events
WHERE event_date BETWEEN ? AND ?
    AND category IN ('management', 'data', 'network')
    -- leaves out services and anonymous callers, whose accountId is no account
    AND regexp_like(user_account_id, '^[0-9]{12}$')
    AND user_account_id <> recipient_account_id
    AND coalesce(user_type, '') <> 'AWSService'
GROUP BY 1, 2, 3, 4, 5
ORDER BY calls DESC, caller_account_id, event_source
