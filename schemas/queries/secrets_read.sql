-- Who read secrets and encrypted parameters, and how many?
-- ? first_day  e.g. '2026-10-01'  first day, inclusive (UTC)
-- ? last_day  e.g. '2026-10-31'  last day, inclusive (UTC)
-- ? min_calls  e.g. 5  calls by one principal from one address in a day
-- Needs: Secrets Manager and SSM management events, read-only ones included (over EventBridge: a rule with state
--   ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS).
-- Blind spots: the values are not in the record. BatchGetSecretValue with a filter does not name what it returned.
--   Secrets that a service fetches for a task or function carry that service in invokedBy and are left out.
WITH reads AS (
    SELECT
        event_date,
        coalesce(session_issuer_arn, user_arn, user_invoked_by, user_account_id, 'unknown') AS principal,
        source_ip_address,
        event_source,
        count(DISTINCT coalesce(shared_event_id, event_id, CAST(event_time AS varchar))) AS calls,
        count(DISTINCT CASE
            WHEN outcome = 'denied' THEN coalesce(shared_event_id, event_id, CAST(event_time AS varchar))
        END) AS denied,
        count(DISTINCT coalesce(
            json_extract_scalar(request_parameters, '$.secretId'),
            json_extract_scalar(request_parameters, '$.name'),
            json_extract_scalar(request_parameters, '$.path'),
            json_format(json_extract(request_parameters, '$.names')),
            json_format(json_extract(request_parameters, '$.secretIdList')),
            json_format(json_extract(request_parameters, '$.filters'))
        )) AS targets,
        min(coalesce(
            json_extract_scalar(request_parameters, '$.secretId'),
            json_extract_scalar(request_parameters, '$.name'),
            json_extract_scalar(request_parameters, '$.path'),
            json_format(json_extract(request_parameters, '$.names'))
        )) AS example_target,
        max(user_agent) AS user_agent,
        min(event_time) AS first_event_time,
        max(event_time) AS last_event_time,
        slice(array_sort(array_agg(DISTINCT event_id)), 1, 20) AS event_ids
    FROM events
    WHERE event_date BETWEEN ? AND ?
        AND category = 'management'
        AND (
            (
                event_source = 'secretsmanager.amazonaws.com'
                AND event_name IN ('GetSecretValue', 'BatchGetSecretValue')
            )
            OR (
                event_source = 'ssm.amazonaws.com'
                AND event_name IN ('GetParameter', 'GetParameters', 'GetParametersByPath', 'GetParameterHistory')
                AND lower(json_extract_scalar(request_parameters, '$.withDecryption')) = 'true'
            )
        )
        AND user_invoked_by IS NULL
    GROUP BY event_date, 2, source_ip_address, event_source
)
SELECT *
FROM reads
WHERE calls >= ?
ORDER BY calls DESC, first_event_time
