-- Who changed a bucket's policy, or the settings that protect its data?
-- ? first_day  e.g. '2026-10-01'  first day, inclusive (UTC)
-- ? last_day  e.g. '2026-10-31'  last day, inclusive (UTC)
-- ? bucket  e.g. 'acme-%'  LIKE pattern of the bucket's name; '%' for all, which also shows account-wide settings
-- Needs: S3 management events.
-- Blind spots: the record holds the new setting, not the one before. Whether a policy is wider than the old one must
--   be read in request_parameters. Changes that were refused are listed, see outcome.
SELECT DISTINCT
    event_time,
    coalesce(user_arn, user_invoked_by, user_account_id, 'unknown') AS who,
    source_ip_address,
    event_name,
    s3_bucket_name,
    coalesce(
        json_extract_scalar(request_parameters, '$.VersioningConfiguration.Status'),
        json_extract_scalar(request_parameters, '$.ReplicationConfiguration.Rule.Destination.Bucket'),
        json_extract_scalar(request_parameters, '$.LifecycleConfiguration.Rule.Expiration.Days')
    ) AS new_value,
    outcome,
    error_code,
    request_parameters,
    event_id
FROM events
WHERE event_date BETWEEN ? AND ?
    AND category = 'management'
    AND event_source = 's3.amazonaws.com'
    AND coalesce(s3_bucket_name, '') LIKE ?
    AND event_name IN (
        'PutBucketPolicy', 'DeleteBucketPolicy', 'PutBucketAcl', 'PutBucketOwnershipControls',
        'DeleteBucketOwnershipControls', 'PutBucketPublicAccessBlock', 'DeleteBucketPublicAccessBlock',
        'PutAccountPublicAccessBlock', 'DeleteAccountPublicAccessBlock', 'PutBucketVersioning', 'PutBucketLifecycle',
        'DeleteBucketLifecycle', 'PutBucketReplication', 'DeleteBucketReplication', 'PutBucketEncryption',
        'DeleteBucketEncryption', 'PutBucketLogging', 'PutBucketNotification', 'PutBucketObjectLockConfiguration',
        'PutBucketWebsite', 'PutBucketCors', 'CreateAccessPoint', 'PutAccessPointPolicy', 'DeleteAccessPointPolicy',
        'DeleteBucket'
    )
ORDER BY event_time, event_id
