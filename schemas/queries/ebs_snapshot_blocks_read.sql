-- Who read the blocks of EBS snapshots without making a volume of them?
-- ? first_day  e.g. '2026-10-01'  first day, inclusive (UTC)
-- ? last_day  e.g. '2026-10-31'  last day, inclusive (UTC)
-- ? min_calls  e.g. 1  calls by one principal on one snapshot, at least
-- Needs: EBS direct API data events (resource type AWS::EC2::Snapshot).
-- Blind spots: the content is not in the record. A copy in another account, or a volume made of the snapshot, is
--   found by snapshots_and_images_shared_outside and timeline_of_a_resource. Backup products use the same calls.
WITH reads AS (
    SELECT
        coalesce(session_issuer_arn, user_arn, user_invoked_by, user_account_id, 'unknown') AS principal,
        source_ip_address,
        coalesce(
            json_extract_scalar(request_parameters, '$.snapshotId'),
            json_extract_scalar(request_parameters, '$.secondSnapshotId')
        ) AS snapshot_id,
        aws_region,
        outcome,
        count(DISTINCT coalesce(shared_event_id, event_id, CAST(event_time AS varchar))) AS calls,
        count(DISTINCT CASE
            WHEN event_name = 'GetSnapshotBlock' THEN json_extract_scalar(request_parameters, '$.blockIndex')
        END) AS blocks_read,
        min(event_time) AS first_event_time,
        max(event_time) AS last_event_time,
        slice(array_sort(array_agg(DISTINCT event_id)), 1, 20) AS event_ids
    FROM events
    WHERE event_date BETWEEN ? AND ?
        AND category IN ('data', 'management')
        AND event_source = 'ebs.amazonaws.com'
        AND event_name IN ('ListSnapshotBlocks', 'ListChangedBlocks', 'GetSnapshotBlock')
    GROUP BY 1, 2, 3, 4, 5
)
SELECT *
FROM reads
WHERE calls >= ?
ORDER BY calls DESC, first_event_time
