-- Which buckets were used without any credentials, from where, and was it allowed?
-- ? first_day  e.g. '2026-10-01'  first day, inclusive (UTC)
-- ? last_day  e.g. '2026-10-31'  last day, inclusive (UTC)
-- Needs: S3 data events of the buckets; S3 management events for bucket-level calls.
-- Blind spots: CloudTrail does not record failed authentication, only what was evaluated as anonymous. Content served
--   through CloudFront shows the distribution, not the reader.
WITH calls AS (
    SELECT
        s3_bucket_name,
        source_ip_address,
        event_name,
        outcome,
        s3_object_key,
        s3_bytes_out,
        user_agent,
        event_time,
        event_id,
        -- delivery is at least once
        row_number() OVER (
            PARTITION BY event_name, coalesce(shared_event_id, event_id, CAST(event_time AS varchar))
            ORDER BY event_id
        ) AS copy_number
    FROM events
    WHERE event_date BETWEEN ? AND ?
        AND category IN ('data', 'management')
        AND event_source = 's3.amazonaws.com'
        AND user_type = 'AWSAccount'
        -- both spellings occur
        AND lower(user_account_id) IN ('anonymous', 'anonymous_principal')
)
SELECT
    s3_bucket_name,
    source_ip_address,
    event_name,
    outcome,
    count(*) AS calls,
    count(DISTINCT s3_object_key) AS objects,
    sum(s3_bytes_out) AS bytes_out,
    min(s3_object_key) AS example_key,
    max(user_agent) AS user_agent,
    min(event_time) AS first_event_time,
    max(event_time) AS last_event_time,
    slice(array_sort(array_agg(DISTINCT event_id)), 1, 20) AS event_ids
FROM calls
WHERE copy_number = 1
GROUP BY s3_bucket_name, source_ip_address, event_name, outcome
ORDER BY calls DESC, s3_bucket_name, source_ip_address, event_name
