-- From which addresses do console logins fail, and did one succeed there in the end?
-- ? first_day  e.g. '2026-10-01'  first day, inclusive (UTC)
-- ? last_day  e.g. '2026-10-31'  last day, inclusive (UTC)
-- ? min_failures  e.g. 5  failed logins from one address in a day
-- Needs: sign-in events (management).
-- Blind spots: a wrong user name is masked (HIDDEN_DUE_TO_SECURITY_REASONS). Federated logins that fail at the
--   identity provider never reach AWS.
WITH logins AS (
    SELECT
        event_date,
        source_ip_address,
        recipient_account_id,
        count(DISTINCT CASE WHEN outcome <> 'success' THEN event_id END) AS failures,
        count(DISTINCT CASE WHEN outcome = 'success' THEN event_id END) AS successes,
        count(DISTINCT coalesce(user_name, user_arn, user_type)) AS users,
        array_join(
            slice(array_sort(array_agg(DISTINCT coalesce(user_name, user_arn, user_type))), 1, 20), ', '
        ) AS user_names,
        max(error_message) AS error_message,
        max(user_agent) AS user_agent,
        min(event_time) AS first_event_time,
        max(event_time) AS last_event_time,
        slice(array_sort(array_agg(DISTINCT event_id)), 1, 20) AS event_ids
    FROM events
    WHERE event_date BETWEEN ? AND ?
        AND category = 'management'
        AND event_source = 'signin.amazonaws.com'
        AND event_name = 'ConsoleLogin'
    GROUP BY event_date, source_ip_address, recipient_account_id
)
SELECT *
FROM logins
WHERE failures >= ?
ORDER BY failures DESC, first_event_time
