-- Who deleted or overwrote this object?
-- ? first_day  e.g. '2026-10-01'  first day, inclusive (UTC)
-- ? last_day  e.g. '2026-10-31'  last day, inclusive (UTC)
-- ? bucket  e.g. 'acme-lake-raw'  the bucket
-- ? key  e.g. 'in/old.csv'  the object's key, exactly as CloudTrail writes it
-- Needs: S3 data events (write) of the bucket.
-- Blind spots: lifecycle expiration leaves no API event. A DeleteObjects call does not name its keys; since June 2025
--   S3 adds one DeleteObject event per key. A call with none of these within a minute is shown with a NULL key: it may
--   have held the object. Whether a PutObject replaced something or created it is not in the record. Records older than
--   eventVersion 1.06 lie in category = 'management'.
WITH writes AS (
    SELECT
        event_time,
        coalesce(user_arn, user_invoked_by, user_account_id, 'unknown') AS who,
        source_ip_address,
        user_agent,
        event_name,
        s3_object_key,
        s3_object_version_id,
        s3_copy_source,
        outcome,
        event_id,
        -- caller and bucket owner each get a copy of a cross-account call; the caller's copy names the person
        row_number() OVER (
            PARTITION BY event_name, coalesce(shared_event_id, event_id, CAST(event_time AS varchar))
            ORDER BY user_arn NULLS LAST, event_id
        ) AS copy_number,
        count(CASE WHEN event_name = 'DeleteObject' THEN 1 END) OVER (
            PARTITION BY coalesce(user_arn, user_invoked_by, user_account_id, 'unknown')
            ORDER BY event_time
            RANGE BETWEEN INTERVAL '1' MINUTE PRECEDING AND INTERVAL '1' MINUTE FOLLOWING
        ) AS deletes_nearby
    FROM events
    WHERE event_date BETWEEN ? AND ?
        AND category = 'data'
        AND event_source IN ('s3.amazonaws.com', 's3express.amazonaws.com')
        AND event_name IN (
            'DeleteObject', 'DeleteObjects', 'PutObject', 'CopyObject', 'CompleteMultipartUpload', 'RenameObject'
        )
        AND s3_bucket_name = ?
        AND outcome = 'success'
)
SELECT
    event_time,
    who,
    source_ip_address,
    user_agent,
    event_name,
    s3_object_key,
    s3_object_version_id,
    s3_copy_source,
    outcome,
    event_id
FROM writes
WHERE copy_number = 1
    AND (s3_object_key = ? OR (event_name = 'DeleteObjects' AND deletes_nearby = 0))
ORDER BY event_time, event_id
