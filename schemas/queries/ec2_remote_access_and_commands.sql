-- Who ran commands on instances, opened sessions or pushed keys to them?
-- ? first_day  e.g. '2026-10-01'  first day, inclusive (UTC)
-- ? last_day  e.g. '2026-10-31'  last day, inclusive (UTC)
-- Needs: SSM, EC2 Instance Connect and EC2 management events (write).
-- Blind spots: what was typed is not in CloudTrail (see Session Manager's own logs), nor are parameters of a command,
--   which are masked. SSH with a key that was there before leaves no event.
SELECT DISTINCT
    event_time,
    coalesce(user_arn, user_invoked_by, user_account_id, 'unknown') AS who,
    source_ip_address,
    event_source,
    event_name,
    coalesce(
        json_extract_scalar(request_parameters, '$.target'),
        json_extract_scalar(request_parameters, '$.instanceId'),
        json_format(json_extract(request_parameters, '$.instanceIds')),
        json_format(json_extract(request_parameters, '$.targets'))
    ) AS target,
    coalesce(
        json_extract_scalar(request_parameters, '$.documentName'),
        json_extract_scalar(request_parameters, '$.name'),
        json_extract_scalar(request_parameters, '$.instanceOSUser')
    ) AS document_or_user,
    aws_region,
    recipient_account_id,
    outcome,
    error_code,
    event_id
FROM events
WHERE event_date BETWEEN ? AND ?
    AND category = 'management'
    AND (
        (
            event_source = 'ssm.amazonaws.com'
            AND event_name IN (
                'SendCommand', 'StartSession', 'ResumeSession', 'StartAutomationExecution', 'CreateAssociation',
                'UpdateAssociation', 'CreateAssociationBatch', 'StartAssociationsOnce'
            )
        )
        OR (
            event_source = 'ec2-instance-connect.amazonaws.com'
            AND event_name IN ('SendSSHPublicKey', 'SendSerialConsoleSSHPublicKey', 'OpenTunnel')
        )
        OR (
            event_source = 'ec2.amazonaws.com'
            AND (
                event_name IN (
                    'EnableSerialConsoleAccess', 'AssociateIamInstanceProfile', 'ReplaceIamInstanceProfileAssociation'
                )
                -- new user data runs at the next start
                OR (
                    event_name = 'ModifyInstanceAttribute'
                    AND json_extract(request_parameters, '$.userData') IS NOT NULL
                )
            )
        )
    )
    AND outcome <> 'dry_run'
ORDER BY event_time, event_id
