-- What did the root user do, and who took a root session of a member account?
-- ? first_day  e.g. '2026-10-01'  first day, inclusive (UTC)
-- ? last_day  e.g. '2026-10-31'  last day, inclusive (UTC)
-- Needs: management events of all services; sign-in events (us-east-1); data events for root's use of objects.
-- Blind spots: services that act for the account under root's name (invokedBy, AwsServiceEvent) are left out. Who
--   knows the password is not in CloudTrail; accessKeyId tells console (temporary) from a root access key (AKIA...).
SELECT DISTINCT
    event_time,
    coalesce(user_arn, user_invoked_by, user_account_id, 'unknown') AS who,
    user_access_key_id,
    session_mfa_authenticated,
    source_ip_address,
    user_agent,
    event_source,
    event_name,
    json_extract_scalar(request_parameters, '$.targetPrincipal') AS target_account,
    aws_region,
    recipient_account_id,
    outcome,
    error_code,
    event_id
FROM events
WHERE event_date BETWEEN ? AND ?
    AND category IN ('management', 'data')
    AND (
        (
            user_type = 'Root'
            AND user_invoked_by IS NULL
            AND coalesce(event_type, '') <> 'AwsServiceEvent'
        )
        OR (event_source = 'sts.amazonaws.com' AND event_name = 'AssumeRoot')
        OR lower(session_assumed_root) = 'true'
    )
ORDER BY event_time, event_id
