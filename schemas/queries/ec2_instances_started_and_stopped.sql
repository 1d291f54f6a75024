-- Which instances were launched, started, stopped or terminated, and by whom?
-- ? first_day  e.g. '2026-10-01'  first day, inclusive (UTC)
-- ? last_day  e.g. '2026-10-31'  last day, inclusive (UTC)
-- Needs: EC2 management events (write), and service events for Spot interruptions.
-- Blind spots: a shutdown from inside the instance, a crash or retired hardware leaves no API event. Auto Scaling and
--   other services act for someone: see invoked_by. Denied and failed attempts are listed, dry runs are not.
SELECT DISTINCT
    event_time,
    coalesce(user_arn, user_invoked_by, user_account_id, 'unknown') AS who,
    user_invoked_by AS invoked_by,
    source_ip_address,
    event_name,
    array_join(ec2_instance_ids, ', ') AS instances,
    ec2_previous_state,
    ec2_state,
    ec2_instance_type,
    array_join(ec2_image_ids, ', ') AS images,
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
        'RunInstances', 'StartInstances', 'StopInstances', 'RebootInstances', 'TerminateInstances', 'CreateFleet',
        'RequestSpotInstances', 'RequestSpotFleet', 'BidEvictedEvent'
    )
    AND outcome <> 'dry_run'
ORDER BY event_time, event_id
