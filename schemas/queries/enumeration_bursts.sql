-- Who looked around: many different read calls within ten minutes?
-- ? first_day  e.g. '2026-10-01'  first day, inclusive (UTC)
-- ? last_day  e.g. '2026-10-31'  last day, inclusive (UTC)
-- ? min_actions  e.g. 15  different read actions by one principal within ten minutes
-- Needs: management events of all services, read-only ones included (over EventBridge: a rule with state
--   ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS).
-- Blind spots: the ten minutes are fixed slices of the hour, so a burst across a border is cut in two. The console
--   and inventory tools look the same: see user_agent. Slow enumeration stays below any threshold.
WITH reads AS (
    SELECT
        date_add('minute', -(minute(event_time) % 10), date_trunc('minute', event_time)) AS slice_start,
        coalesce(session_issuer_arn, user_arn, user_invoked_by, user_account_id, 'unknown') AS principal,
        source_ip_address,
        user_agent,
        event_source,
        event_name,
        outcome,
        event_time,
        event_id,
        coalesce(shared_event_id, event_id, CAST(event_time AS varchar)) AS call_id
    FROM events
    WHERE event_date BETWEEN ? AND ?
        AND category = 'management'
        AND coalesce(read_only, regexp_like(event_name, '^(List|Describe|Get|Search|Lookup|BatchGet)'))
        AND coalesce(user_type, '') <> 'AWSService'
        -- services that act for someone do so in the background
        AND user_invoked_by IS NULL
), bursts AS (
    SELECT
        slice_start,
        principal,
        source_ip_address,
        count(DISTINCT event_source || ':' || event_name) AS actions,
        count(DISTINCT event_source) AS services,
        count(DISTINCT call_id) AS calls,
        count(DISTINCT CASE WHEN outcome = 'denied' THEN call_id END) AS denied,
        max(user_agent) AS user_agent,
        array_join(
            slice(array_sort(array_agg(DISTINCT split_part(event_source, '.', 1) || ':' || event_name)), 1, 20), ', '
        ) AS examples,
        min(event_time) AS first_event_time,
        max(event_time) AS last_event_time,
        slice(array_sort(array_agg(DISTINCT event_id)), 1, 20) AS event_ids
    FROM reads
    GROUP BY slice_start, principal, source_ip_address
)
SELECT *
FROM bursts
WHERE actions >= ?
ORDER BY actions DESC, slice_start
