-- Who uses this bucket, how much, and who is refused?
-- ? first_day  e.g. '2026-10-01'  first day, inclusive (UTC)
-- ? last_day  e.g. '2026-10-31'  last day, inclusive (UTC)
-- ? bucket  e.g. 'acme-lake-raw'  the bucket
-- Needs: S3 data events (read and write) of the bucket; S3 management events for bucket-level calls.
-- Blind spots: sessions of one role are one principal. Calls refused by a VPC endpoint policy or with a wrong
--   signature are not recorded. DeleteObjects calls stand in their own column, as S3 adds one DeleteObject event per
--   key.
WITH calls AS (
    SELECT
        coalesce(session_issuer_arn, user_arn, user_invoked_by, user_account_id, 'unknown') AS principal,
        event_time,
        event_name,
        event_id,
        read_only,
        source_ip_address,
        outcome,
        s3_bytes_in,
        s3_bytes_out,
        -- the same call may be recorded for caller and owner, or delivered twice
        row_number() OVER (
            PARTITION BY event_name, coalesce(shared_event_id, event_id, CAST(event_time AS varchar))
            ORDER BY user_arn NULLS LAST, event_id
        ) AS copy_number
    FROM events
    WHERE event_date BETWEEN ? AND ?
        AND category IN ('data', 'management')
        AND event_source IN ('s3.amazonaws.com', 's3express.amazonaws.com')
        AND s3_bucket_name = ?
)
SELECT
    principal,
    count_if(outcome = 'success' AND read_only) AS reads,
    count_if(outcome = 'success' AND NOT read_only AND event_name NOT LIKE 'DeleteObject%') AS writes,
    count_if(outcome = 'success' AND event_name = 'DeleteObject') AS deletes,
    count_if(outcome = 'success' AND event_name = 'DeleteObjects') AS batch_delete_calls,
    count_if(outcome = 'denied') AS denied,
    count_if(outcome = 'failure') AS failed,
    sum(s3_bytes_out) AS bytes_out,
    sum(s3_bytes_in) AS bytes_in,
    count(DISTINCT source_ip_address) AS source_addresses,
    min(event_time) AS first_event_time,
    max(event_time) AS last_event_time,
    min(event_id) AS example_event_id
FROM calls
WHERE copy_number = 1
GROUP BY principal
ORDER BY count(*) DESC, principal
