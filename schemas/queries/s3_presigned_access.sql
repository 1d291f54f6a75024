-- Which objects were read or written with presigned URLs, from where?
-- ? first_day  e.g. '2026-10-01'  first day, inclusive (UTC)
-- ? last_day  e.g. '2026-10-31'  last day, inclusive (UTC)
-- ? min_expires  e.g. 3600  seconds the URL was valid for, at least; 0 for all
-- Needs: S3 data events of the buckets.
-- Blind spots: the signer is named, never the person who held the URL. Downloads in the S3 console are presigned too.
--   A SigV2 URL gives no X-Amz-Expires and counts as 0.
SELECT DISTINCT
    event_time,
    coalesce(user_arn, user_invoked_by, user_account_id, 'unknown') AS signed_by,
    user_access_key_id,
    source_ip_address,
    user_agent,
    event_name,
    s3_bucket_name,
    s3_object_key,
    s3_bytes_out,
    s3_signature_version,
    json_extract_scalar(request_parameters, '$["X-Amz-Date"]') AS signed_at,
    json_extract_scalar(request_parameters, '$["X-Amz-Expires"]') AS expires_seconds,
    outcome,
    error_code,
    event_id
FROM events
WHERE event_date BETWEEN ? AND ?
    AND category = 'data'
    AND event_source IN ('s3.amazonaws.com', 's3express.amazonaws.com', 's3-object-lambda.amazonaws.com')
    AND s3_authentication_method = 'QueryString'
    AND coalesce(TRY_CAST(json_extract_scalar(request_parameters, '$["X-Amz-Expires"]') AS bigint), 0) >= ?
ORDER BY event_time, event_id
