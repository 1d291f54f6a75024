-- Who disabled KMS keys, scheduled their deletion or changed who may use them?
-- ? first_day  e.g. '2026-10-01'  first day, inclusive (UTC)
-- ? last_day  e.g. '2026-10-31'  last day, inclusive (UTC)
-- Needs: KMS management events (write).
-- Blind spots: what was encrypted with the key is not in the record. A deletion can be cancelled for 7 to 30 days;
--   look for CancelKeyDeletion of the same key in the list. The end of that time is a service event (DeleteKey), not
--   listed.
SELECT DISTINCT
    event_time,
    coalesce(user_arn, user_invoked_by, user_account_id, 'unknown') AS who,
    source_ip_address,
    event_name,
    coalesce(
        json_extract_scalar(response_elements, '$.keyId'),
        json_extract_scalar(request_parameters, '$.keyId')
    ) AS key,
    json_extract_scalar(request_parameters, '$.pendingWindowInDays') AS pending_days,
    aws_region,
    recipient_account_id,
    outcome,
    error_code,
    event_id
FROM events
WHERE event_date BETWEEN ? AND ?
    AND category = 'management'
    AND event_source = 'kms.amazonaws.com'
    AND event_name IN (
        'ScheduleKeyDeletion', 'CancelKeyDeletion', 'DisableKey', 'EnableKey', 'PutKeyPolicy', 'DeleteAlias',
        'DeleteImportedKeyMaterial', 'UpdateAlias'
    )
ORDER BY event_time, event_id
