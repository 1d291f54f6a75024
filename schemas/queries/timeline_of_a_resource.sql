-- What happened to this resource, or by this principal: the timeline of one ARN or resource id?
-- ? first_day  e.g. '2026-10-01'  first day, inclusive (UTC)
-- ? last_day  e.g. '2026-10-31'  last day, inclusive (UTC)
-- ? arn_or_id  e.g. 'i-0123456789abcdef0'  an ARN, or an id like i-, vol-, sg-, snap-...
-- Needs: management events of all services; data events for ARNs of objects, functions and tables.
-- Blind spots: only records that hold the very ARN or id are found; many calls name a user, role or trail by its bare
--   name. A role's ARN finds its sessions too, as their issuer stands in each record.
SELECT DISTINCT
    event_time,
    coalesce(user_arn, user_invoked_by, user_account_id, 'unknown') AS who,
    source_ip_address,
    user_agent,
    event_source,
    event_name,
    array_join(any_resource_ids, ', ') AS resource_ids,
    array_join(resource_arns, ', ') AS resource_arns,
    aws_region,
    recipient_account_id,
    outcome,
    error_code,
    event_id
FROM events
WHERE event_date BETWEEN ? AND ?
    AND contains(
        concat(coalesce(any_arns, ARRAY[]), coalesce(any_resource_ids, ARRAY[])),
        ?
    )
ORDER BY event_time, event_id
