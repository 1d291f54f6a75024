-- Who is refused most, and on what?
-- ? first_day  e.g. '2026-10-01'  first day, inclusive (UTC)
-- ? last_day  e.g. '2026-10-31'  last day, inclusive (UTC)
-- ? min_denied  e.g. 5  refused calls of one principal, at least
-- Needs: management events of all services, read-only ones included; data events for refusals on objects.
-- Blind spots: calls refused by a VPC endpoint policy, and calls whose signature was wrong, are not recorded. Some
--   services say AccessDenied only inside their answer.
WITH denied AS (
    SELECT
        coalesce(session_issuer_arn, user_arn, user_invoked_by, user_account_id, 'unknown') AS principal,
        count(DISTINCT coalesce(shared_event_id, event_id, CAST(event_time AS varchar))) AS denied_calls,
        count(DISTINCT event_source || ':' || event_name) AS denied_actions,
        array_join(
            slice(array_sort(array_agg(DISTINCT split_part(event_source, '.', 1) || ':' || event_name)), 1, 20), ', '
        ) AS actions,
        array_join(slice(array_sort(array_agg(DISTINCT source_ip_address)), 1, 20), ', ') AS source_ip_addresses,
        max(error_code) AS example_error_code,
        min(event_time) AS first_event_time,
        max(event_time) AS last_event_time,
        slice(array_sort(array_agg(DISTINCT event_id)), 1, 20) AS event_ids
    FROM events
    WHERE event_date BETWEEN ? AND ?
        AND category IN ('management', 'data', 'network')
        AND outcome = 'denied'
    GROUP BY 1
)
SELECT *
FROM denied
WHERE denied_calls >= ?
ORDER BY denied_calls DESC, principal
