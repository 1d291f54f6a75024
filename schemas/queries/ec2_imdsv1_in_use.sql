-- Which instances still fetch their credentials by the old metadata service (IMDSv1)?
-- ? first_day  e.g. '2026-10-01'  first day, inclusive (UTC)
-- ? last_day  e.g. '2026-10-31'  last day, inclusive (UTC)
-- Needs: management events of all services, read-only ones included; data events where instances only touch data.
-- Blind spots: ec2RoleDelivery tells how the credentials were fetched; IMDSv1 used for other metadata (user data,
--   tags) and instances that make no AWS call are not seen.
SELECT
    coalesce(nullif(regexp_extract(user_principal_id, ':(i-[0-9a-zA-Z]+)$', 1), ''), user_principal_id) AS instance_id,
    session_issuer_arn AS role_arn,
    recipient_account_id,
    aws_region,
    count(DISTINCT coalesce(shared_event_id, event_id, CAST(event_time AS varchar))) AS calls,
    array_join(slice(array_sort(array_agg(DISTINCT source_ip_address)), 1, 20), ', ') AS source_ip_addresses,
    max(user_agent) AS user_agent,
    min(event_time) AS first_event_time,
    max(event_time) AS last_event_time,
    slice(array_sort(array_agg(DISTINCT event_id)), 1, 20) AS event_ids
FROM events
WHERE event_date BETWEEN ? AND ?
    AND category IN ('management', 'data')
    AND session_ec2_role_delivery = '1.0'
GROUP BY 1, 2, 3, 4
ORDER BY calls DESC, instance_id
