-- Who deleted many objects within an hour?
-- ? first_day  e.g. '2026-10-01'  first day, inclusive (UTC)
-- ? last_day  e.g. '2026-10-31'  last day, inclusive (UTC)
-- ? min_deletions  e.g. 100  deletions by one principal in one bucket within an hour
-- Needs: S3 data events (write) of the buckets.
-- Blind spots: without the DeleteObject events that S3 adds since June 2025, a DeleteObjects call stands for up to
--   1,000 keys and counts as one deletion. Lifecycle rules delete without an event: see s3_bucket_protection_changed. A
--   delete marker in a versioned bucket hides an object, only a deletion with a versionId destroys it.
WITH deletes AS (
    SELECT
        date_trunc('hour', event_time) AS hour,
        event_time,
        coalesce(session_issuer_arn, user_arn, user_invoked_by, user_account_id, 'unknown') AS principal,
        source_ip_address,
        s3_bucket_name,
        s3_object_key,
        event_name,
        event_id,
        json_extract_scalar(request_parameters, '$.versionId') AS deleted_version_id,
        -- the same call may be recorded for caller and owner, or delivered twice
        row_number() OVER (
            PARTITION BY event_name, coalesce(shared_event_id, event_id, CAST(event_time AS varchar))
            ORDER BY user_arn NULLS LAST, event_id
        ) AS copy_number
    FROM events
    WHERE event_date BETWEEN ? AND ?
        AND category = 'data'
        AND event_source IN ('s3.amazonaws.com', 's3express.amazonaws.com')
        AND event_name IN ('DeleteObject', 'DeleteObjects')
        AND outcome = 'success'
), totals AS (
    SELECT
        hour,
        principal,
        s3_bucket_name,
        -- a DeleteObjects call and its DeleteObject events are one deletion, so the larger count wins
        greatest(count_if(event_name = 'DeleteObject'), count_if(event_name = 'DeleteObjects')) AS deletions,
        count_if(event_name = 'DeleteObjects') AS batch_calls,
        count(DISTINCT s3_object_key) AS objects,
        count(deleted_version_id) AS versions_destroyed,
        array_join(array_sort(array_agg(DISTINCT source_ip_address)), ', ') AS source_ip_addresses,
        min(event_time) AS first_event_time,
        max(event_time) AS last_event_time,
        slice(array_sort(array_agg(DISTINCT event_id)), 1, 20) AS event_ids
    FROM deletes
    WHERE copy_number = 1
    GROUP BY hour, principal, s3_bucket_name
)
SELECT *
FROM totals
WHERE deletions >= ?
ORDER BY deletions DESC, hour
