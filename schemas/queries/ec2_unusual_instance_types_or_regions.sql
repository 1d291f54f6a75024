-- Which launches used an instance type or a region that the account had not used before?
-- ? baseline_first_day  e.g. '2026-07-01'  first day of the history to compare with, inclusive (UTC)
-- ? last_day  e.g. '2026-10-31'  last day, inclusive (UTC)
-- ? first_day  e.g. '2026-10-01'  first day to report
-- Needs: EC2 management events (write) of all regions, for the baseline too.
-- Blind spots: new means new within the baseline. A type that comes from a launch template is not in a refused call.
--   Denied attempts are listed (they are the usual trace of crypto mining) and do not make a type usual; dry runs are
--   not.
WITH launches AS (
    SELECT DISTINCT
        event_date,
        event_time,
        coalesce(user_arn, user_invoked_by, user_account_id, 'unknown') AS who,
        source_ip_address,
        event_name,
        ec2_instance_type,
        aws_region,
        coalesce(
            json_extract_scalar(request_parameters, '$.instancesSet.items[0].maxCount'),
            json_extract_scalar(request_parameters, '$.instanceCount')
        ) AS instances_asked_for,
        array_join(ec2_instance_ids, ', ') AS instances,
        recipient_account_id,
        outcome,
        error_code,
        event_id
    FROM events
    WHERE event_date BETWEEN ? AND ?
        AND category = 'management'
        AND event_source = 'ec2.amazonaws.com'
        AND event_name IN (
            'RunInstances', 'RequestSpotInstances', 'RequestSpotFleet', 'CreateFleet', 'ModifyInstanceAttribute'
        )
        AND (event_name <> 'ModifyInstanceAttribute' OR ec2_instance_type IS NOT NULL)
        AND outcome <> 'dry_run'
), history AS (
    SELECT
        *,
        min(CASE WHEN outcome = 'success' THEN event_date END) OVER (
            PARTITION BY recipient_account_id, ec2_instance_type
        ) AS type_first_used,
        min(CASE WHEN outcome = 'success' THEN event_date END) OVER (
            PARTITION BY recipient_account_id, aws_region
        ) AS region_first_used
    FROM launches
)
SELECT
    event_time,
    who,
    source_ip_address,
    event_name,
    ec2_instance_type,
    ec2_instance_type IS NOT NULL AND coalesce(type_first_used, event_date) >= event_date AS new_type,
    aws_region,
    coalesce(region_first_used, event_date) >= event_date AS new_region,
    instances_asked_for,
    instances,
    recipient_account_id,
    outcome,
    error_code,
    event_id
FROM history
WHERE event_date >= ?
    AND (
        (ec2_instance_type IS NOT NULL AND coalesce(type_first_used, event_date) >= event_date)
        OR coalesce(region_first_used, event_date) >= event_date
    )
ORDER BY event_time, event_id
