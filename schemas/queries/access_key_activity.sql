-- What did this access key do, who issued it, and who else touched it?
-- ? first_day  e.g. '2026-10-01'  first day, inclusive (UTC)
-- ? last_day  e.g. '2026-10-31'  last day, inclusive (UTC)
-- ? access_key  e.g. 'ASIAEXAMPLEKEY000001'  the access key id (AKIA... of a user, ASIA... of a session)
-- Needs: management events of all services, read-only ones included; data events of everything the key may have
--   touched.
-- Blind spots: user_access_key_id is the key that signed the call; where it is another one, the given key was issued,
--   listed or changed by it. A presigned URL counts as use by its signer. Follow issued_access_key_id to the next
--   session.
SELECT DISTINCT
    event_time,
    coalesce(user_arn, user_invoked_by, user_account_id, 'unknown') AS who,
    user_access_key_id,
    source_ip_address,
    user_agent,
    event_source,
    event_name,
    coalesce(s3_bucket_name || '/' || coalesce(s3_object_key, ''), array_join(any_resource_ids, ', ')) AS resource,
    assumed_role_arn,
    issued_access_key_id,
    aws_region,
    recipient_account_id,
    outcome,
    error_code,
    event_id
FROM events
WHERE event_date BETWEEN ? AND ?
    AND category IN ('management', 'data', 'network')
    AND contains(any_access_key_ids, ?)
ORDER BY event_time, event_id
