-- Who read user data, Windows passwords, console output or launch templates of instances?
-- ? first_day  e.g. '2026-10-01'  first day, inclusive (UTC)
-- ? last_day  e.g. '2026-10-31'  last day, inclusive (UTC)
-- Needs: EC2 management events, read-only ones included (over EventBridge: a rule with state
--   ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS).
-- Blind spots: user data that is read on the instance itself, from its metadata service, leaves no event. What was
--   returned is not recorded.
SELECT DISTINCT
    event_time,
    coalesce(user_arn, user_invoked_by, user_account_id, 'unknown') AS who,
    source_ip_address,
    user_agent,
    event_name,
    coalesce(
        json_extract_scalar(request_parameters, '$.instanceId'),
        json_extract_scalar(request_parameters, '$.GetLaunchTemplateDataRequest.InstanceId'),
        json_extract_scalar(request_parameters, '$.DescribeLaunchTemplateVersionsRequest.LaunchTemplateId'),
        json_extract_scalar(request_parameters, '$.DescribeLaunchTemplateVersionsRequest.LaunchTemplateName')
    ) AS resource,
    aws_region,
    recipient_account_id,
    outcome,
    error_code,
    event_id
FROM events
WHERE event_date BETWEEN ? AND ?
    AND category = 'management'
    AND event_source = 'ec2.amazonaws.com'
    AND (
        event_name IN (
            'GetPasswordData', 'GetConsoleOutput', 'GetConsoleScreenshot', 'GetLaunchTemplateData',
            'DescribeLaunchTemplateVersions'
        )
        OR (
            event_name = 'DescribeInstanceAttribute'
            AND json_extract_scalar(request_parameters, '$.attribute') = 'userData'
        )
    )
    AND outcome <> 'dry_run'
ORDER BY event_time, event_id
