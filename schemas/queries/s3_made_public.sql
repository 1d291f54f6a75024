-- Who made a bucket or an object public, or took away what prevents it?
-- ? first_day  e.g. '2026-10-01'  first day, inclusive (UTC)
-- ? last_day  e.g. '2026-10-31'  last day, inclusive (UTC)
-- Needs: S3 management events; S3 data events (write) for object ACLs.
-- Blind spots: a policy is judged by its text: an Allow for everyone counts although a condition may narrow it
--   (has_condition: every such statement has one), and a public access block may still override it. Access points and
--   CloudFront are not judged.
WITH changes AS (
    SELECT
        event_time,
        coalesce(user_arn, user_invoked_by, user_account_id, 'unknown') AS who,
        source_ip_address,
        event_name,
        s3_bucket_name,
        s3_object_key,
        s3_acl,
        outcome,
        event_id,
        request_parameters,
        json_extract(request_parameters, '$.PublicAccessBlockConfiguration') AS block,
        json_format(json_extract(request_parameters, '$.bucketPolicy.Statement')) AS statements
    FROM events
    WHERE event_date BETWEEN ? AND ?
        AND category IN ('management', 'data')
        AND event_source = 's3.amazonaws.com'
        AND event_name IN (
            'PutBucketPolicy', 'PutBucketAcl', 'CreateBucket', 'PutObjectAcl', 'PutObject', 'CopyObject',
            'CreateMultipartUpload', 'PutBucketPublicAccessBlock', 'DeleteBucketPublicAccessBlock',
            'PutAccountPublicAccessBlock', 'DeleteAccountPublicAccessBlock'
        )
), parsed AS (
    SELECT
        *,
        -- one statement is an object, several are an array
        filter(
            CAST(json_parse(
                CASE WHEN statements LIKE '[%' THEN statements ELSE '[' || statements || ']' END
            ) AS array(json)),
            s -> json_extract_scalar(s, '$.Effect') = 'Allow' AND (
                strpos(json_format(json_extract(s, '$.Principal')), '"*"') > 0
                OR json_extract(s, '$.NotPrincipal') IS NOT NULL
            )
        ) AS open_statements
    FROM changes
), judged AS (
    SELECT
        *,
        CASE
            WHEN event_name LIKE 'Delete%PublicAccessBlock' THEN 'public access block deleted'
            WHEN event_name LIKE 'Put%PublicAccessBlock' AND NOT (
                coalesce(json_extract_scalar(block, '$.BlockPublicAcls'), 'false') = 'true'
                AND coalesce(json_extract_scalar(block, '$.IgnorePublicAcls'), 'false') = 'true'
                AND coalesce(json_extract_scalar(block, '$.BlockPublicPolicy'), 'false') = 'true'
                AND coalesce(json_extract_scalar(block, '$.RestrictPublicBuckets'), 'false') = 'true'
            ) THEN 'public access block weakened'
            WHEN cardinality(open_statements) > 0 THEN 'policy allows everyone'
            WHEN s3_acl IN ('public-read', 'public-read-write', 'authenticated-read') THEN 'canned ACL ' || s3_acl
            WHEN event_name <> 'PutBucketPolicy' AND (
                strpos(request_parameters, 'groups/global/AllUsers') > 0
                OR strpos(request_parameters, 'groups/global/AuthenticatedUsers') > 0
            ) THEN 'ACL grants to everyone'
        END AS how
    FROM parsed
)
SELECT DISTINCT
    event_time,
    who,
    source_ip_address,
    event_name,
    s3_bucket_name,
    s3_object_key,
    how,
    cardinality(filter(open_statements, s -> json_extract(s, '$.Condition') IS NULL)) = 0 AS has_condition,
    outcome,
    event_id
FROM judged
WHERE how IS NOT NULL
ORDER BY event_time, event_id
