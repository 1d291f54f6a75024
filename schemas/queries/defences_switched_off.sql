-- Who switched off, deleted or narrowed trails, flow logs, detectors and other defences, or left the organization?
-- ? first_day  e.g. '2026-10-01'  first day, inclusive (UTC)
-- ? last_day  e.g. '2026-10-31'  last day, inclusive (UTC)
-- Needs: management events (write) of all services and regions.
-- Blind spots: a trail that is stopped records nothing afterwards, here or anywhere. Flow logs that were not deleted
--   after all stand in the answer (unsuccessful) of a call that succeeded. Whether PutEventSelectors or UpdateTrail
--   narrowed or widened the trail must be read in request_parameters. S3 settings are in s3_bucket_protection_changed.
SELECT DISTINCT
    event_time,
    coalesce(user_arn, user_invoked_by, user_account_id, 'unknown') AS who,
    source_ip_address,
    user_agent,
    event_source,
    event_name,
    request_parameters,
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
            event_source = 'cloudtrail.amazonaws.com'
            AND event_name IN (
                'StopLogging', 'DeleteTrail', 'UpdateTrail', 'PutEventSelectors', 'PutInsightSelectors',
                'DeleteEventDataStore', 'UpdateEventDataStore', 'StopEventDataStoreIngestion', 'DeleteChannel'
            )
        )
        OR (
            event_source = 'ec2.amazonaws.com'
            AND event_name IN ('DeleteFlowLogs', 'DisableEbsEncryptionByDefault', 'DisableSnapshotBlockPublicAccess')
        )
        OR (
            event_source = 'guardduty.amazonaws.com'
            AND (
                event_name IN (
                    'DeleteDetector', 'DisassociateFromMasterAccount', 'DisassociateFromAdministratorAccount',
                    'StopMonitoringMembers', 'DeleteMembers', 'DeletePublishingDestination', 'CreateFilter',
                    'CreateIPSet', 'DisableOrganizationAdminAccount'
                )
                -- UpdateDetector is also routine; only switching off matters
                OR (
                    event_name = 'UpdateDetector'
                    AND lower(json_extract_scalar(request_parameters, '$.enable')) = 'false'
                )
            )
        )
        OR (
            event_source = 'config.amazonaws.com'
            AND event_name IN (
                'StopConfigurationRecorder', 'DeleteConfigurationRecorder', 'DeleteDeliveryChannel', 'DeleteConfigRule'
            )
        )
        OR (
            event_source = 'securityhub.amazonaws.com'
            AND event_name IN (
                'DisableSecurityHub', 'BatchDisableStandards', 'DisassociateFromAdministratorAccount', 'DeleteMembers'
            )
        )
        OR (event_source = 'access-analyzer.amazonaws.com' AND event_name IN ('DeleteAnalyzer', 'CreateArchiveRule'))
        OR (event_source = 'macie2.amazonaws.com' AND event_name = 'DisableMacie')
        OR (event_source = 'inspector2.amazonaws.com' AND event_name = 'Disable')
        OR (
            event_source = 'route53resolver.amazonaws.com'
            AND event_name IN ('DeleteResolverQueryLogConfig', 'DisassociateResolverQueryLogConfig')
        )
        OR (
            event_source IN ('wafv2.amazonaws.com', 'network-firewall.amazonaws.com')
            AND event_name IN (
                'DeleteLoggingConfiguration', 'UpdateLoggingConfiguration', 'DeleteWebACL', 'DisassociateWebACL'
            )
        )
        OR (
            event_source = 'logs.amazonaws.com'
            AND event_name IN (
                'DeleteLogGroup', 'DeleteLogStream', 'PutRetentionPolicy', 'DeleteSubscriptionFilter',
                'DeleteMetricFilter', 'DeleteDestination'
            )
        )
        OR (
            event_source IN ('monitoring.amazonaws.com', 'events.amazonaws.com')
            AND event_name IN ('DeleteAlarms', 'DisableAlarmActions', 'DisableRule', 'DeleteRule', 'RemoveTargets')
        )
        OR (
            event_source = 'bedrock.amazonaws.com'
            AND event_name IN ('DeleteModelInvocationLoggingConfiguration', 'DeleteGuardrail', 'UpdateGuardrail')
        )
        OR (
            event_source = 'organizations.amazonaws.com'
            AND event_name IN (
                'LeaveOrganization', 'RemoveAccountFromOrganization', 'DisablePolicyType', 'DetachPolicy',
                'DeletePolicy', 'DisableAWSServiceAccess'
            )
        )
    )
    AND outcome <> 'dry_run'
ORDER BY event_time, event_id
