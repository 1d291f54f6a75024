-- Which events, by whom, fill the lake?
-- ? first_day  e.g. '2026-10-01'  first day, inclusive (UTC)
-- ? last_day  e.g. '2026-10-31'  last day, inclusive (UTC)
-- Needs: whatever is collected; the answer covers just that.
-- Blind spots: rows are counted as they lie in the lake, redeliveries and both copies of cross-account calls
--   included, because each of them costs. Sessions of one role are one principal. The 1,000 largest groups are shown.
SELECT
    category,
    event_source,
    event_name,
    coalesce(session_issuer_arn, user_arn, user_invoked_by, user_account_id, 'unknown') AS principal,
    user_invoked_by AS invoked_by,
    count(*) AS events,
    round(100e0 * count(*) / sum(count(*)) OVER (), 2) AS percent,
    min(event_time) AS first_event_time,
    max(event_time) AS last_event_time,
    min(event_id) AS example_event_id
FROM events
WHERE event_date BETWEEN ? AND ?
GROUP BY 1, 2, 3, 4, 5
ORDER BY events DESC, category, event_source, event_name, principal
LIMIT 1000
