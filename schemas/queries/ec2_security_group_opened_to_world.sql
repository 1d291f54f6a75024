-- Who opened a security group to the whole world?
-- ? first_day  e.g. '2026-10-01'  first day, inclusive (UTC)
-- ? last_day  e.g. '2026-10-31'  last day, inclusive (UTC)
-- Needs: EC2 management events (write).
-- Blind spots: ModifySecurityGroupRules does not say whether the rule is ingress or egress. Groups of addresses in
--   prefix lists, and rules that other accounts put into shared groups, are not judged. A default VPC's network ACLs
--   are another matter.
SELECT DISTINCT
    event_time,
    coalesce(user_arn, user_invoked_by, user_account_id, 'unknown') AS who,
    source_ip_address,
    event_name,
    array_join(ec2_security_group_ids, ', ') AS security_groups,
    json_extract_scalar(request_parameters, '$.groupName') AS group_name,
    -- a /0 to /6 is no private network in IPv4 nor IPv6 (fc00::/7); it also catches the world cut in halves
    array_join(filter(ec2_ip_rules, r -> regexp_like(r, '/[0-6]$')), '; ') AS open_rules,
    aws_region,
    recipient_account_id,
    outcome,
    error_code,
    event_id
FROM events
WHERE event_date BETWEEN ? AND ?
    AND category = 'management'
    AND event_source = 'ec2.amazonaws.com'
    AND event_name IN ('AuthorizeSecurityGroupIngress', 'ModifySecurityGroupRules')
    AND cardinality(filter(ec2_ip_rules, r -> regexp_like(r, '/[0-6]$'))) > 0
    AND outcome <> 'dry_run'
ORDER BY event_time, event_id
