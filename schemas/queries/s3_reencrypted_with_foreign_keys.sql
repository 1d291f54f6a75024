-- Who encrypted objects with a key that the bucket's owner does not hold (SSE-C, or a KMS key of another account)?
-- ? first_day  e.g. '2026-10-01'  first day, inclusive (UTC)
-- ? last_day  e.g. '2026-10-31'  last day, inclusive (UTC)
-- ? min_objects  e.g. 1  objects written so by one principal in one bucket within an hour
-- Needs: S3 data events (write) of the buckets; S3 management events for PutBucketEncryption.
-- Blind spots: a KMS key given as a bare id or an alias does not show its account. A key of the own account that is
--   destroyed later is found by kms_keys_disabled_or_deleted. Of SSE-C the key itself is never recorded.
WITH writes AS (
    SELECT
        date_trunc('hour', event_time) AS hour,
        event_time,
        coalesce(session_issuer_arn, user_arn, user_invoked_by, user_account_id, 'unknown') AS principal,
        source_ip_address,
        event_name,
        s3_bucket_name,
        s3_object_key,
        event_id,
        coalesce(s3_bucket_owner_account_id, recipient_account_id) AS owner_account_id,
        CASE
            WHEN s3_sse_applied = 'SSE_C' THEN 'customer-provided key (SSE-C)'
            WHEN strpos(lower(request_parameters), '"x-amz-server-side-encryption-customer-algorithm"') > 0
                THEN 'customer-provided key (SSE-C)'
            ELSE coalesce(
                s3_sse_kms_key_id,
                nullif(regexp_extract(request_parameters, '"KMSMasterKeyID":"([^"]+)"', 1), '')
            )
        END AS encryption_key
    FROM events
    WHERE event_date BETWEEN ? AND ?
        AND category IN ('data', 'management')
        AND event_source IN ('s3.amazonaws.com', 's3express.amazonaws.com')
        -- GetObject of an SSE-C object says SSE_C too, and is no re-encryption
        AND event_name IN (
            'PutObject', 'CopyObject', 'CreateMultipartUpload', 'CompleteMultipartUpload', 'PutBucketEncryption'
        )
        AND outcome = 'success'
), totals AS (
    SELECT
        hour,
        principal,
        s3_bucket_name,
        owner_account_id,
        encryption_key,
        count(DISTINCT coalesce(s3_object_key, event_name)) AS objects,
        array_join(array_sort(array_agg(DISTINCT event_name)), ', ') AS event_names,
        array_join(array_sort(array_agg(DISTINCT source_ip_address)), ', ') AS source_ip_addresses,
        min(event_time) AS first_event_time,
        max(event_time) AS last_event_time,
        slice(array_sort(array_agg(DISTINCT event_id)), 1, 20) AS event_ids
    FROM writes
    WHERE encryption_key LIKE 'customer-provided%'
        OR (encryption_key LIKE 'arn:%' AND split_part(encryption_key, ':', 5) <> owner_account_id)
    GROUP BY hour, principal, s3_bucket_name, owner_account_id, encryption_key
)
SELECT *
FROM totals
WHERE objects >= ?
ORDER BY objects DESC, hour
