-- Who logged in to the console without a second factor?
-- ? first_day  e.g. '2026-10-01'  first day, inclusive (UTC)
-- ? last_day  e.g. '2026-10-31'  last day, inclusive (UTC)
-- Needs: sign-in events (management; IAM users log in in their region or us-east-1, root in us-east-1).
-- Blind spots: with federation and IAM Identity Center the second factor is checked elsewhere and MFAUsed always says
--   No, so role sessions are left out. The password that was used is never recorded.
SELECT DISTINCT
    event_time,
    coalesce(user_arn, user_invoked_by, user_account_id, 'unknown') AS who,
    user_type,
    source_ip_address,
    user_agent,
    event_name,
    json_extract_scalar(additional_event_data, '$.MFAUsed') AS mfa_used,
    json_extract_scalar(additional_event_data, '$.LoginTo') AS login_to,
    aws_region,
    recipient_account_id,
    outcome,
    event_id
FROM events
WHERE event_date BETWEEN ? AND ?
    AND category = 'management'
    AND event_source = 'signin.amazonaws.com'
    AND event_name = 'ConsoleLogin'
    AND outcome = 'success'
    AND user_type IN ('IAMUser', 'Root')
    AND coalesce(json_extract_scalar(additional_event_data, '$.MFAUsed'), 'No') <> 'Yes'
ORDER BY event_time, event_id
