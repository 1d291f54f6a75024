-- Which snapshots and images were shared with other accounts or everybody, and were they copied there?
-- ? first_day  e.g. '2026-10-01'  first day, inclusive (UTC)
-- ? last_day  e.g. '2026-10-31'  last day, inclusive (UTC)
-- Needs: EC2 and RDS management events (write), and EC2 service events (eventType AwsServiceEvent) for the copies.
-- Blind spots: sharing through an organization, AWS Backup or a KMS grant is not judged; an image export to S3 is
--   CreateInstanceExportTask. The account of a copy is told only by the service event, which names no person there.
SELECT DISTINCT
    event_time,
    coalesce(user_arn, user_invoked_by, user_account_id, 'unknown') AS who,
    source_ip_address,
    event_name,
    coalesce(
        json_extract_scalar(request_parameters, '$.snapshotId'),
        json_extract_scalar(request_parameters, '$.imageId'),
        json_extract_scalar(request_parameters, '$.dBSnapshotIdentifier'),
        json_extract_scalar(request_parameters, '$.dBClusterSnapshotIdentifier'),
        json_extract_scalar(service_event_details, '$.snapshotId')
    ) AS resource,
    coalesce(
        array_join(ec2_shared_with, ', '),
        json_format(json_extract(request_parameters, '$.valuesToAdd')),
        user_account_id
    ) AS shared_with,
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
            event_source = 'ec2.amazonaws.com'
            AND event_name IN ('ModifySnapshotAttribute', 'ModifyImageAttribute')
            AND cardinality(filter(ec2_shared_with, w -> w <> coalesce(recipient_account_id, user_account_id, ''))) > 0
        )
        OR (
            event_source = 'ec2.amazonaws.com'
            AND event_name IN ('SharedSnapshotCopyInitiated', 'SharedSnapshotVolumeCreated')
        )
        OR (
            event_source = 'rds.amazonaws.com'
            AND event_name IN ('ModifyDBSnapshotAttribute', 'ModifyDBClusterSnapshotAttribute')
            AND json_array_length(json_extract(request_parameters, '$.valuesToAdd')) > 0
        )
    )
    AND outcome <> 'dry_run'
ORDER BY event_time, event_id
