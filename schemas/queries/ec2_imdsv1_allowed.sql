-- Who launched or changed instances and templates so that the old metadata service (IMDSv1) is allowed?
-- ? first_day  e.g. '2026-10-01'  first day, inclusive (UTC)
-- ? last_day  e.g. '2026-10-31'  last day, inclusive (UTC)
-- Needs: EC2 management events (write).
-- Blind spots: what an image or the account's default sets shows only in the answer to RunInstances. A call that was
--   refused is listed with its outcome; dry runs are not.
SELECT DISTINCT
    event_time,
    coalesce(user_arn, user_invoked_by, user_account_id, 'unknown') AS who,
    source_ip_address,
    event_name,
    coalesce(
        array_join(ec2_instance_ids, ', '),
        json_extract_scalar(request_parameters, '$.CreateLaunchTemplateRequest.LaunchTemplateName'),
        json_extract_scalar(request_parameters, '$.CreateLaunchTemplateVersionRequest.LaunchTemplateId'),
        json_extract_scalar(request_parameters, '$.CreateLaunchTemplateVersionRequest.LaunchTemplateName')
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
    AND event_name IN (
        'RunInstances', 'ModifyInstanceMetadataOptions', 'ModifyInstanceMetadataDefaults', 'CreateLaunchTemplate',
        'CreateLaunchTemplateVersion'
    )
    -- older actions spell it httpTokens, newer ones HttpTokens
    AND (
        regexp_like(request_parameters, '"[hH]ttpTokens":"optional"')
        OR regexp_like(response_elements, '"[hH]ttpTokens":"optional"')
    )
    AND outcome <> 'dry_run'
ORDER BY event_time, event_id
