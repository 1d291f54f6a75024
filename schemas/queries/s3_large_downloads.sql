-- Who downloaded a lot of data in one day?
-- ? first_day  e.g. '2026-10-01'  first day, inclusive (UTC)
-- ? last_day  e.g. '2026-10-31'  last day, inclusive (UTC)
-- ? min_bytes  e.g. 10000000000  bytes that one principal took from one bucket to one address in a day
-- Needs: S3 data events (read) of the buckets.
-- Blind spots: bytes are what S3 sent, so aborted and repeated downloads count; copies within S3 (CopyObject,
--   replication) move no bytes here and are not seen.
WITH reads AS (
    SELECT
        event_date,
        event_time,
        coalesce(session_issuer_arn, user_arn, user_invoked_by, user_account_id, 'unknown') AS principal,
        source_ip_address,
        user_agent,
        s3_bucket_name,
        s3_object_key,
        s3_bytes_out,
        event_id,
        -- the same call may be recorded for caller and owner, or delivered twice
        row_number() OVER (
            PARTITION BY event_name, coalesce(shared_event_id, event_id, CAST(event_time AS varchar))
            ORDER BY user_arn NULLS LAST, event_id
        ) AS copy_number
    FROM events
    WHERE event_date BETWEEN ? AND ?
        AND category = 'data'
        AND event_source IN ('s3.amazonaws.com', 's3express.amazonaws.com')
        AND event_name IN ('GetObject', 'SelectObjectContent', 'GetObjectTorrent')
        AND outcome = 'success'
), totals AS (
    SELECT
        event_date,
        principal,
        source_ip_address,
        s3_bucket_name,
        sum(s3_bytes_out) AS bytes_out,
        count(DISTINCT s3_object_key) AS objects,
        count(*) AS calls,
        max(user_agent) AS user_agent,
        min(event_time) AS first_event_time,
        max(event_time) AS last_event_time,
        max_by(event_id, coalesce(s3_bytes_out, 0)) AS largest_event_id
    FROM reads
    WHERE copy_number = 1
    GROUP BY event_date, principal, source_ip_address, s3_bucket_name
)
SELECT *
FROM totals
WHERE bytes_out >= ?
ORDER BY bytes_out DESC, first_event_time
